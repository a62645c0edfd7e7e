// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/launches.h"

#include "services/frontend/domain/frontend_for_test.h"

namespace sealift::frontend {
namespace {

class LaunchesTest : public FrontendTest {
 protected:
  LaunchesTest() {
    terms_.security_modules["acme"] = "sm.acme.test:7443";
    terms_.prices.cpu_micros = 100;
    terms_.prices.gib_micros = 20;
    upload("acme", image_);
  }
  v1::Quote quote(const std::string& tenant = "acme") {
    v1::GetQuoteRequest request;
    request.set_image_id(image_.id());
    auto made = launches_->quote(tenant, request);
    EXPECT_THAT(made, Succeeds());
    return made ? *made : v1::Quote{};
  }
  static v1::CreateLaunchRequest consent(const v1::Quote& quote, const std::string& key = "key-1") {
    v1::CreateLaunchRequest request;
    request.set_quote_id(quote.quote_id());
    request.set_idempotency_key(key);
    request.set_key_model(v1::KEY_MODEL_KEEP);
    return request;
  }
  Result<v1::Launch> create(const v1::CreateLaunchRequest& request, const std::string& tenant = "acme") {
    return launches_->create(zone_, tenant, request);
  }
  const ImageForTest image_{1};
};

TEST_F(LaunchesTest, HaveAPriceThatTheQuoteSays) {
  v1::GetQuoteRequest request;
  request.set_image_id(image_.id());
  const auto usual = *launches_->quote("acme", request);
  EXPECT_EQ(usual.image_id(), image_.id());
  EXPECT_EQ(usual.cpus(), 1U);
  EXPECT_EQ(usual.memory_mib(), 512U);
  EXPECT_EQ(usual.price_micros_per_second(), 110U);
  EXPECT_EQ(usual.currency(), "EUR");
  EXPECT_EQ(usual.expires_at(), 1'700'000'900);
  request.set_cpus(4);
  request.set_memory_mib(2048);
  EXPECT_EQ(launches_->quote("acme", request)->price_micros_per_second(), 440U);
  EXPECT_TRUE(zone_.orders.empty());
}

TEST_F(LaunchesTest, OfMoreThanAnyMachineHasGetNoQuote) {
  v1::GetQuoteRequest request;
  request.set_image_id(image_.id());
  request.set_cpus(1025);
  EXPECT_THAT(launches_->quote("acme", request), FailsAt(ErrorCode::invalid_argument, "cpus"));
  request.set_cpus(1);
  request.set_memory_mib((1U << 26U) + 1);
  EXPECT_THAT(launches_->quote("acme", request), FailsAt(ErrorCode::invalid_argument, "memory_mib"));
}

TEST_F(LaunchesTest, OfAnImageThatIsNotReadyGetNoQuote) {
  const ImageForTest unfinished{2, 1};
  ASSERT_THAT(images_->create("acme", unfinished.announcement()), Succeeds());
  v1::GetQuoteRequest request;
  request.set_image_id(unfinished.id());
  EXPECT_THAT(launches_->quote("acme", request), FailsAt(ErrorCode::failed_precondition, "image_id"));
  request.set_image_id(image_.id());
  EXPECT_THAT(launches_->quote("other", request), FailsAt(ErrorCode::not_found, "image_id"));
}

TEST_F(LaunchesTest, AreOrderedFromTheZoneAsAgreed) {
  auto request = consent(quote());
  request.set_zone("west");
  (*request.mutable_labels())["disk"] = "nvme";
  const auto launch = create(request);
  ASSERT_THAT(launch, Succeeds());
  const auto& ordered = zone_.orders.at({"acme", "key-1"});
  EXPECT_EQ(ordered.tenant(), "acme");
  EXPECT_EQ(ordered.key_model(), v1::KEY_MODEL_KEEP);
  EXPECT_EQ(ordered.image().image_id(), image_.id());
  EXPECT_EQ(ordered.image().kernel().sha512(), as_text(image_.digest("kernel").view()));
  EXPECT_EQ(ordered.cpus(), 1U);
  EXPECT_EQ(ordered.memory_mib(), 512U);
  EXPECT_EQ(ordered.zone(), "west");
  EXPECT_EQ(ordered.labels().at("disk"), "nvme");
  EXPECT_EQ(ordered.price_micros_per_second(), 110U);
  EXPECT_EQ(ordered.security_module(), "");
  EXPECT_EQ(ordered.max_active(), terms_.limits.active_launches);
  EXPECT_EQ(quote_store_->get("acme", request.quote_id())->launch_id, launch->launch_id());
}

TEST_F(LaunchesTest, BringTheAddressOfTheTenantsSecurityModule) {
  auto request = consent(quote());
  request.set_key_model(v1::KEY_MODEL_BRING);
  ASSERT_THAT(create(request), Succeeds());
  EXPECT_EQ(zone_.orders.at({"acme", "key-1"}).security_module(), "sm.acme.test:7443");
}

TEST_F(LaunchesTest, WithoutASecurityModuleAreRefusedAndTheQuoteStaysGood) {
  terms_.security_modules.clear();
  auto request = consent(quote());
  request.set_key_model(v1::KEY_MODEL_BRING);
  const auto refused = create(request);
  EXPECT_THAT(refused, FailsAt(ErrorCode::failed_precondition, "key_model"));
  EXPECT_NE(refused.error().message.find("--security-module acme=HOST:PORT"), std::string::npos);
  request.set_key_model(v1::KEY_MODEL_KEEP);
  EXPECT_THAT(create(request), Succeeds());
}

TEST_F(LaunchesTest, NeedAQuoteOfTheTenantsOwn) {
  auto request = consent(quote());
  const auto others = create(request, "other");
  EXPECT_THAT(others, FailsAt(ErrorCode::not_found, "quote_id"));
  request.set_quote_id("never-made");
  EXPECT_EQ(create(request, "other").error().message, others.error().message);
}

TEST_F(LaunchesTest, NeedAQuoteThatIsStillGood) {
  const auto request = consent(quote());
  clock_.advance(terms_.prices.validity);
  EXPECT_THAT(create(request), FailsWith(ErrorCode::quote_expired));
  EXPECT_TRUE(zone_.orders.empty());
}

TEST_F(LaunchesTest, UseAQuoteUpOnce) {
  const auto agreed = quote();
  ASSERT_THAT(create(consent(agreed, "key-1")), Succeeds());
  EXPECT_THAT(create(consent(agreed, "key-2")), FailsWith(ErrorCode::conflict));
  auto altered = consent(agreed, "key-1");
  altered.set_zone("east");
  EXPECT_THAT(create(altered), FailsWith(ErrorCode::conflict));
  EXPECT_EQ(zone_.orders.size(), 1U);
}

TEST_F(LaunchesTest, AskedForAgainAreTheSameAlsoAfterTheQuoteExpired) {
  const auto request = consent(quote());
  const auto first = *create(request);
  clock_.advance(terms_.prices.validity * 2);
  EXPECT_EQ(create(request)->launch_id(), first.launch_id());
  zone_.end("acme", 0);
  ASSERT_THAT(images_->remove(zone_, "acme", image_.id()), Succeeds());
  EXPECT_EQ(create(request)->launch_id(), first.launch_id());
}

TEST_F(LaunchesTest, WithTheSameKeyAndANewQuoteAreTheSame) {
  const auto first = *create(consent(quote(), "key-1"));
  EXPECT_EQ(create(consent(quote(), "key-1"))->launch_id(), first.launch_id());
  EXPECT_EQ(zone_.launches["acme"].size(), 1U);
}

TEST_F(LaunchesTest, AreNotDoubledByAKillBetweenTheZoneAndTheQuote) {
  const auto agreed = quote();
  zone_.answers_get_lost = true;
  EXPECT_THAT(create(consent(agreed)), FailsWith(ErrorCode::unavailable));
  ASSERT_EQ(zone_.launches["acme"].size(), 1U);
  EXPECT_EQ(quote_store_->get("acme", agreed.quote_id())->launch_id, "");
  restart();
  zone_.answers_get_lost = false;
  EXPECT_THAT(create(consent(agreed, "key-2")), FailsWith(ErrorCode::conflict));
  EXPECT_EQ(create(consent(agreed))->launch_id(), zone_.launches["acme"][0].launch_id());
  EXPECT_EQ(zone_.launches["acme"].size(), 1U);
}

TEST_F(LaunchesTest, ThatTheZoneRefusesCanBeAskedForAgain) {
  const auto request = consent(quote());
  zone_.refuses = Error{ErrorCode::resource_exhausted, "too many", "max_active", {}};
  EXPECT_THAT(create(request), FailsWith(ErrorCode::resource_exhausted));
  zone_.refuses.reset();
  clock_.advance(terms_.prices.validity * 2);
  EXPECT_THAT(create(request), Succeeds());
}

TEST_F(LaunchesTest, AreRefusedWhereTheRequestMakesNoSense) {
  const auto good = consent(quote());
  const auto refused = [&](auto change, const char* field) {
    auto request = good;
    change(request);
    EXPECT_THAT(create(request), FailsAt(ErrorCode::invalid_argument, field));
  };
  refused([](auto& r) { r.set_idempotency_key(""); }, "idempotency_key");
  refused([](auto& r) { r.set_idempotency_key(std::string(65, 'a')); }, "idempotency_key");
  refused([](auto& r) { r.set_idempotency_key("a/b"); }, "idempotency_key");
  refused([](auto& r) { r.set_key_model(v1::KEY_MODEL_UNSPECIFIED); }, "key_model");
  refused([](auto& r) { r.set_key_model(static_cast<v1::KeyModel>(7)); }, "key_model");
  refused([](auto& r) { r.set_zone("a b"); }, "zone");
  refused([](auto& r) { (*r.mutable_labels())[""] = "x"; }, "labels");
  refused([](auto& r) { (*r.mutable_labels())["x"] = std::string(64, 'x'); }, "labels");
  refused(
      [](auto& r) {
        for (int i = 0; i < 65; ++i) (*r.mutable_labels())[std::to_string(i)] = "x";
      },
      "labels");
  EXPECT_THAT(create(good), Succeeds());
}

}  // namespace
}  // namespace sealift::frontend
