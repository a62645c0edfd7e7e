// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/sealed_heads.h"

#include "formats/esm/insertion.h"
#include "services/frontend/domain/frontend_for_test.h"

namespace sealift::frontend {
namespace {

std::string text(const Bytes& bytes) { return std::string{as_text(bytes)}; }

class SealedHeadsTest : public FrontendTest {
 protected:
  SealedHeadsTest() {
    terms_.security_modules["acme"] = "sm.acme.test:7443";
    upload("acme", image_);
  }
  static std::string host(std::uint8_t fill) { return text(esm::samples::target(fill).storage_key_name); }
  v1::PutSealedHeadRequest sealed(const std::vector<std::uint8_t>& hosts,
                                  const std::string& set = "fleet") const {
    v1::PutSealedHeadRequest request;
    request.set_image_id(image_.id());
    request.set_set(set);
    request.set_policy(std::string(32, 'p'));
    for (const auto fill : hosts) {
      const auto target = esm::samples::target(fill);
      auto& data = *request.add_sealed_data();
      data.set_storage_key_name(text(target.storage_key_name));
      data.set_policy(text(target.policy));
      data.set_public_area(text(target.public_area));
      data.set_duplicate(text(target.duplicate));
      data.set_seed(text(target.seed));
    }
    return request;
  }
  v1::InstanceImage launched() {
    v1::InstanceImage instance;
    EXPECT_THAT(sealed_->add_to({"acme", image_.id()}, instance), Succeeds());
    return instance;
  }
  /// Of the only sealed head.
  esm::Operand operand() {
    const auto instance = launched();
    EXPECT_EQ(instance.sealed_heads_size(), 1);
    const auto key = objects::ObjectKey::head(instance.sealed_heads(0).name()).value();
    const auto bytes = object_store_->read(key, 0, instance.sealed_heads(0).size()).value();
    return esm::operand_of(cpio::read_head([&](std::size_t) -> Result<Bytes> { return bytes; }).value())
        .value();
  }
  std::size_t objects() const {
    const std::filesystem::directory_iterator heads{directory_.path() / "objects" / "heads"};
    return static_cast<std::size_t>(std::distance(begin(heads), end(heads)));
  }
  v1::RemoveSealedHostsResponse remove(const std::vector<std::uint8_t>& hosts) {
    v1::RemoveSealedHostsRequest request;
    for (const auto fill : hosts) request.add_storage_key_names(host(fill));
    const auto removed = sealed_->remove_hosts("acme", request);
    EXPECT_THAT(removed, Succeeds());
    return removed.value_or(v1::RemoveSealedHostsResponse{});
  }
  const ImageForTest image_{1};
};

TEST_F(SealedHeadsTest, AreOneObjectWithAllSlotsAndWhatIsSaidOfIt) {
  std::vector<std::uint8_t> many(100);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<std::uint8_t>(i);
  const auto put = sealed_->put("acme", sealed(many));
  ASSERT_THAT(put, Succeeds());
  EXPECT_EQ(put->host_count(), 100U);
  EXPECT_EQ(put->sealed_at(), 1'700'000'000);
  EXPECT_EQ(put->policy(), std::string(32, 'p'));
  EXPECT_EQ(operand().targets().size(), 100U);
  const auto listed = sealed_->list("acme", {}).value();
  ASSERT_EQ(listed.heads_size(), 1);
  EXPECT_EQ(listed.heads(0).set(), "fleet");
  EXPECT_EQ(listed.heads(0).host_count(), 100U);
  EXPECT_EQ(listed.heads(0).hosts_size(), 0);
  EXPECT_FALSE(listed.has_next());
}

TEST_F(SealedHeadsTest, ReplaceTheSetsEarlierOneAndLeaveNothingBehind) {
  ASSERT_THAT(sealed_->put("acme", sealed({1, 2})), Succeeds());
  const auto before = operand().hmac();
  ASSERT_THAT(sealed_->put("acme", sealed({2, 3, 4})), Succeeds());
  const auto present = operand();
  EXPECT_EQ(present.targets().size(), 3U);
  EXPECT_EQ(present.find_target(as_bytes(host(1))), nullptr);
  EXPECT_EQ(present.hmac(), before);
  EXPECT_EQ(objects(), 1U);
}

TEST_F(SealedHeadsTest, LoseTheSlotsOfHostsThatAreTakenOut) {
  ASSERT_THAT(sealed_->put("acme", sealed({1, 2, 3})), Succeeds());
  ASSERT_THAT(sealed_->put("acme", sealed({4}, "other")), Succeeds());
  EXPECT_EQ(remove({2, 9}).heads(), 1U);
  EXPECT_EQ(remove({2}).heads(), 0U);
  EXPECT_EQ(remove({4}).heads(), 1U) << "none is left";
  const auto present = operand();
  EXPECT_EQ(present.targets().size(), 2U);
  EXPECT_EQ(present.find_target(as_bytes(host(2))), nullptr);
  EXPECT_EQ(objects(), 1U);
  EXPECT_EQ(sealed_->list("acme", {})->heads(0).host_count(), 2U);
}

TEST_F(SealedHeadsTest, LoseAHostEverywhereCallByCall) {
  std::vector<ImageForTest> images;
  for (std::uint8_t i = 10; i < 40; ++i) {
    images.emplace_back(i);
    upload("acme", images.back());
    auto request = sealed({1, 2});
    request.set_image_id(images.back().id());
    ASSERT_THAT(sealed_->put("acme", request), Succeeds());
  }
  v1::RemoveSealedHostsRequest request;
  request.add_storage_key_names(host(1));
  std::uint32_t heads = 0;
  int calls = 0;
  for (bool more = true; more; ++calls) {
    const auto removed = sealed_->remove_hosts("acme", request).value();
    EXPECT_LE(removed.heads(), 16U);
    heads += removed.heads();
    more = removed.has_next();
    *request.mutable_after() = removed.next();
  }
  EXPECT_EQ(heads, 30U);
  EXPECT_EQ(calls, 2);
}

TEST_F(SealedHeadsTest, GoWithTheirImage) {
  ASSERT_THAT(sealed_->put("acme", sealed({1})), Succeeds());
  ASSERT_THAT(images_->remove(zone_, "acme", image_.id()), Succeeds());
  EXPECT_EQ(objects(), 0U);
  EXPECT_EQ(sealed_->list("acme", {})->heads_size(), 0);
}

TEST_F(SealedHeadsTest, GoToTheZoneWithALaunchThatTheSecurityModuleKeepsTheKeyOf) {
  ASSERT_THAT(sealed_->put("acme", sealed({1})), Succeeds());
  v1::GetQuoteRequest quote;
  quote.set_image_id(image_.id());
  for (const auto model : {v1::KEY_MODEL_BRING, v1::KEY_MODEL_KEEP}) {
    v1::CreateLaunchRequest request;
    request.set_quote_id(launches_->quote("acme", quote)->quote_id());
    request.set_idempotency_key("key-" + std::to_string(model));
    request.set_key_model(model);
    ASSERT_THAT(launches_->create(zone_, "acme", request), Succeeds());
    EXPECT_EQ(zone_.orders.at({"acme", request.idempotency_key()}).image().sealed_heads_size(),
              model == v1::KEY_MODEL_BRING ? 1 : 0);
  }
}

TEST_F(SealedHeadsTest, AreOfTheTenantAlone) {
  ASSERT_THAT(sealed_->put("acme", sealed({1})), Succeeds());
  EXPECT_THAT(sealed_->put("other", sealed({1})), FailsAt(ErrorCode::not_found, "image_id"));
  EXPECT_EQ(sealed_->list("other", {})->heads_size(), 0);
  EXPECT_THAT(sealed_->remove("other", image_.id(), "fleet"), Succeeds());
  v1::RemoveSealedHostsRequest request;
  request.add_storage_key_names(host(1));
  EXPECT_EQ(sealed_->remove_hosts("other", request)->heads(), 0U);
  EXPECT_EQ(operand().targets().size(), 1U);
}

TEST_F(SealedHeadsTest, ThatMakeNoSenseAreRefused) {
  auto request = sealed({1, 1});
  EXPECT_THAT(sealed_->put("acme", request), FailsAt(ErrorCode::invalid_argument, "sealed_data"));
  request = sealed({});
  EXPECT_THAT(sealed_->put("acme", request), FailsAt(ErrorCode::invalid_argument, "sealed_data"));
  request = sealed({1});
  request.mutable_sealed_data(0)->set_duplicate("");
  EXPECT_THAT(sealed_->put("acme", request), FailsAt(ErrorCode::invalid_argument, "duplicate"));
  request = sealed({1}, "a/b");
  EXPECT_THAT(sealed_->put("acme", request), FailsAt(ErrorCode::invalid_argument, "set"));
  request = sealed({1});
  request.set_policy("p");
  EXPECT_THAT(sealed_->put("acme", request), FailsAt(ErrorCode::invalid_argument, "policy"));
  for (int i = 0; i < 8; ++i)
    ASSERT_THAT(sealed_->put("acme", sealed({1}, "set-" + std::to_string(i))), Succeeds());
  EXPECT_THAT(sealed_->put("acme", sealed({1})), FailsAt(ErrorCode::resource_exhausted, "set"));
}

}  // namespace
}  // namespace sealift::frontend
