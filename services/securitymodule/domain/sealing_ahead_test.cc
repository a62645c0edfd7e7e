// SPDX-License-Identifier: Apache-2.0
// Sets of hosts, and images that are sealed to them before any of them asks.
#include <algorithm>

#include "crypto/random.h"
#include "services/securitymodule/domain/audit_log.h"
#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

using tee::HostForTest;

const HostForTest& other_host() {
  static const HostForTest kOther;
  return kOther;
}

std::string name_of(const HostForTest& host) { return text_of(host.storage_key.name().view()); }

/// Without the lists of the day, which only a launch can ask for.
v1::SeedPolicy lasting_policy() {
  auto policy = policy_for_test();
  policy.set_require_crl(false);
  return policy;
}

class SealingAheadTest : public SecurityModuleTest {
 protected:
  void SetUp() override {
    ASSERT_THAT(put(sm, kImage, 1, lasting_policy()), Succeeds());
    ASSERT_THAT(enrol(sm, tee::host()), Succeeds());
    ASSERT_THAT(enrol(sm, other_host()), Succeeds());
  }
  static v1::HostSet fleet() {
    v1::HostSet set;
    set.set_name("fleet");
    (*set.mutable_labels())["rack"] = "7";
    set.add_hosts(name_of(tee::host()));
    set.add_hosts(name_of(other_host()));
    return set;
  }
  Result<v1::SealToSetResponse> seal(SecurityModule& by, const std::vector<std::string>& images,
                                     const std::string& tenant = kTenant) {
    v1::SealToSetRequest request;
    request.set_name("fleet");
    for (const auto& image : images) request.add_image_ids(image);
    return by.seal_to_set(asker(tenant), request);
  }
  /// Of one image, for the first host.
  v1::SealedToHost seal_first(const std::string& image) {
    const auto response = seal(sm, {image});
    EXPECT_THAT(response, Succeeds());
    EXPECT_EQ(response->images(0).hosts_size(), 2) << response->images(0).DebugString();
    return response->images(0).hosts(0);
  }
  std::string refusal_of(const v1::SeedPolicy& policy) {
    const auto image = to_hex(crypto::random_array<16>());
    EXPECT_THAT(put(sm, image, 9, policy), Succeeds());
    const auto response = seal(sm, {image});
    EXPECT_THAT(response, Succeeds());
    const auto& refusal = response->images(0).refusal();
    return refusal.code() + " at " + refusal.field();
  }
};

/// A database that does not answer, just when a host's platform is looked up.
class SilentVerdicts final : public store::VerdictStore {
 public:
  Status put(const store::VerdictKey&, const Bytes&) override { return silence(); }
  Result<std::optional<Bytes>> get(const store::VerdictKey&) override { return silence(); }
  Result<std::int64_t> remove_of_host(const std::string&, const Bytes&, int) override { return silence(); }

 private:
  static tl::unexpected<Error> silence() {
    return fail(ErrorCode::unavailable, "the database does not answer");
  }
};

// Who is told of a refusal takes the image's slots away; nobody must for what is wrong with us.
TEST_F(SealingAheadTest, SaysNothingOfHostsWhereItsOwnDatabaseDoesNotAnswer) {
  ASSERT_THAT(sm.put_set(asker(), fleet()), Succeeds());
  SilentVerdicts silent;
  const auto& stores = replica.stores;
  SecurityModule troubled{{kTenant},
                          {*stores.seeds, *stores.authorizations, *stores.enrolments, *stores.challenges,
                           *stores.revocations, *stores.sets, silent},
                          replica.vault,
                          clock,
                          replica.limits,
                          log};
  EXPECT_THAT(seal(troubled, {kImage}), FailsWith(ErrorCode::unavailable));
  EXPECT_TRUE(seal_first(kImage).has_sealed_data());
}

TEST_F(SealingAheadTest, GivesTheVeryBytesThatTheHostWouldGet) {
  ASSERT_THAT(sm.put_set(asker(), fleet()), Succeeds());
  ASSERT_THAT(put(sm, kOtherImage, 2, lasting_policy()), Succeeds());
  const auto made = seal(sm, {kImage, kOtherImage});
  ASSERT_THAT(made, Succeeds());
  ASSERT_EQ(made->images_size(), 2);
  for (const auto& image : made->images()) {
    ASSERT_EQ(image.hosts_size(), 2) << image.DebugString();
    for (const auto* const host : {&tee::host(), &other_host()}) {
      const auto asked = ask(sm, host->evidence(), image.image_id());
      ASSERT_THAT(asked, Succeeds());
      const auto& slot = *std::ranges::find_if(
          image.hosts(), [&](const auto& one) { return one.storage_key_name() == name_of(*host); });
      EXPECT_EQ(slot.sealed_data().SerializeAsString(), asked->sealed_data().SerializeAsString());
    }
  }
  EXPECT_EQ(log.count("made"), 2 + 2);  // the two enrolments, and the other image twice
}

TEST_F(SealingAheadTest, GoesOnWhereItWasInterrupted) {
  ASSERT_THAT(sm.put_set(asker(), fleet()), Succeeds());
  const auto first = seal(sm, {kImage});
  const auto again = seal(sm, {kImage});
  ASSERT_THAT(again, Succeeds());
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(first->images(0).hosts(i).sealed_data().SerializeAsString(),
              again->images(0).hosts(i).sealed_data().SerializeAsString());
}

TEST_F(SealingAheadTest, IsRefusedWhereThePolicyHasWhatOnlyALaunchCanKeepTo) {
  ASSERT_THAT(sm.put_set(asker(), fleet()), Succeeds());
  auto until = lasting_policy();
  until.set_not_after(test_pki::kNow + 1000);
  EXPECT_EQ(refusal_of(until), "failed_precondition at policy.not_after");
  auto from = lasting_policy();
  from.set_not_before(1);
  EXPECT_EQ(refusal_of(from), "failed_precondition at policy.not_before");
  EXPECT_EQ(refusal_of(policy_for_test()), "failed_precondition at policy.require_crl");
}

TEST_F(SealingAheadTest, OfAnImageThatIsNotThereIsRefusedInItsPlace) {
  ASSERT_THAT(sm.put_set(asker(), fleet()), Succeeds());
  const auto response = seal(sm, {kOtherImage, "no id", kImage});
  ASSERT_THAT(response, Succeeds());
  EXPECT_EQ(response->images(0).refusal().code(), "not_found");
  EXPECT_EQ(response->images(1).refusal().code(), "invalid_argument");
  EXPECT_EQ(response->images(2).hosts_size(), 2);
}

TEST_F(SealingAheadTest, CountsAgainstTheNumberOfHosts) {
  ASSERT_THAT(sm.put_set(asker(), fleet()), Succeeds());
  auto policy = lasting_policy();
  policy.set_maximum_hosts(1);
  ASSERT_THAT(put(sm, kOtherImage, 2, policy), Succeeds());
  const auto response = seal(sm, {kOtherImage});
  ASSERT_THAT(response, Succeeds());
  EXPECT_TRUE(response->images(0).hosts(0).has_sealed_data());
  EXPECT_EQ(response->images(0).hosts(1).refusal().field(), "policy.maximum_hosts");
}

TEST_F(SealingAheadTest, SealsToNobodyWhoWasRevoked) {
  ASSERT_THAT(sm.put_set(asker(), fleet()), Succeeds());
  v1::Revocation revocation;
  revocation.set_kind(v1::REVOCATION_KIND_HOST);
  revocation.set_subject(name_of(tee::host()));
  ASSERT_THAT(sm.revoke(asker(), revocation), Succeeds());
  const auto response = seal(sm, {kImage});
  EXPECT_EQ(response->images(0).hosts(0).refusal().field(), "storage_key");
  EXPECT_TRUE(response->images(0).hosts(1).has_sealed_data());
}

TEST_F(SealingAheadTest, WantsMachinesThatWereVerifiedUnderWhatThisPolicySaysOfThem) {
  ASSERT_THAT(sm.put_set(asker(), fleet()), Succeeds());
  auto policy = lasting_policy();
  policy.add_models("another maker");
  ASSERT_THAT(put(sm, kOtherImage, 2, policy), Succeeds());
  const auto refused = seal_first(kOtherImage).refusal();
  EXPECT_EQ(refused.code(), "failed_precondition");
  EXPECT_EQ(refused.field(), "evidence");
}

TEST_F(SealingAheadTest, EndsWithTheCertificatesThatAHostHasShown) {
  ASSERT_THAT(sm.put_set(asker(), fleet()), Succeeds());
  ASSERT_TRUE(seal_first(kImage).has_sealed_data());
  clock.advance(std::chrono::hours{24 * 365 * 40});
  EXPECT_EQ(seal_first(kImage).refusal().field(), "evidence");
}

TEST_F(SealingAheadTest, IsForAnotherStateThanTheApprovedOneRefused) {
  ASSERT_THAT(sm.put_set(asker(), fleet()), Succeeds());
  auto policy = lasting_policy();
  policy.set_approved_pcrs("sha256:6=" + std::string(64, '1'));
  ASSERT_THAT(put(sm, kOtherImage, 2, policy), Succeeds());
  EXPECT_EQ(seal_first(kOtherImage).refusal().code(), "storage_key_policy_differs");
}

TEST_F(SealingAheadTest, NamesHostsThatAreEnrolledAndNoOthers) {
  auto set = fleet();
  set.add_hosts(text_of(tpm::Name::of_public_area(tpm::HashAlgorithm::sha256, as_bytes("x")).view()));
  EXPECT_THAT(sm.put_set(asker(), set), FailsAt(ErrorCode::not_found, "hosts"));
  EXPECT_THAT(sm.put_set(asker(kOtherTenant), fleet()), FailsAt(ErrorCode::not_found, "hosts"));
  set = fleet();
  set.add_hosts(name_of(tee::host()));
  EXPECT_THAT(sm.put_set(asker(), set), FailsAt(ErrorCode::invalid_argument, "hosts"));
  set = fleet();
  set.set_name("../x");
  EXPECT_THAT(sm.put_set(asker(), set), FailsAt(ErrorCode::invalid_argument, "name"));
}

TEST_F(SealingAheadTest, TakesSetsOfItsTenantAlone) {
  ASSERT_THAT(sm.put_set(asker(), fleet()), Succeeds());
  EXPECT_THAT(seal(sm, {kImage}, kOtherTenant), FailsAt(ErrorCode::not_found, "name"));
  v1::GetSetRequest get;
  get.set_name("fleet");
  EXPECT_THAT(sm.get_set(asker(kOtherTenant), get), FailsAt(ErrorCode::not_found, "name"));
  EXPECT_EQ(sm.list_sets(asker(kOtherTenant), {})->sets_size(), 0);
  EXPECT_EQ(sm.list_sets(asker(), {})->sets(0).host_count(), 2U);
  EXPECT_EQ(sm.list_sets(asker(), {})->sets(0).hosts_size(), 0);
}

TEST_F(SealingAheadTest, TakesAChangeOfASetFromWhoReadIt) {
  auto set = *sm.put_set(asker(), fleet());
  EXPECT_THAT(sm.put_set(asker(), fleet()), FailsWith(ErrorCode::already_exists));
  set.mutable_hosts()->RemoveLast();
  const auto changed = sm.put_set(asker(), set);
  ASSERT_THAT(changed, Succeeds());
  EXPECT_EQ(changed->version(), 2U);
  EXPECT_THAT(sm.put_set(asker(), set), FailsWith(ErrorCode::conflict));
  EXPECT_EQ(seal(sm, {kImage})->images(0).hosts_size(), 1);
}

TEST_F(SealingAheadTest, TakesNoVerdictAndNoSetThatSomebodyElseWrote) {
  ASSERT_THAT(sm.put_set(asker(), fleet()), Succeeds());
  ASSERT_THAT(replica.stores.database->write("UPDATE verdicts SET document = $1", {Bytes(80, 1)}),
              Succeeds());
  EXPECT_EQ(seal_first(kImage).refusal().code(), "authentication_failed");
  ASSERT_THAT(replica.stores.database->write("UPDATE host_sets SET document = $1", {Bytes(80, 1)}),
              Succeeds());
  EXPECT_THAT(seal(sm, {kImage}), FailsWith(ErrorCode::authentication_failed));
}

TEST_F(SealingAheadTest, ForgetsWhatItKnowsOfAHostThatIsDeprovisioned) {
  ASSERT_THAT(sm.put_set(asker(), fleet()), Succeeds());
  v1::DeprovisionHostRequest request;
  request.set_storage_key_name(name_of(tee::host()));
  ASSERT_THAT(sm.deprovision_host(asker(), request), Succeeds());
  auto rows = replica.stores.database->read("SELECT count(*) FROM verdicts", {});
  EXPECT_EQ(rows->at(0).integer(), 1);
  EXPECT_EQ(seal_first(kImage).refusal().code(), "not_found");
}

TEST_F(SealingAheadTest, IsInTheLogPairByPair) {
  const auto audit_store = store::make_audit_store(*replica.stores.database);
  const auto audit = AuditLog::open(*audit_store, replica.vault, clock).value();
  SecurityModule logged{{kTenant}, replica.stores.all(), replica.vault, clock, replica.limits, *audit};
  ASSERT_THAT(logged.put_set(asker(), fleet()), Succeeds());
  std::vector<std::string> images{kImage};
  for (int i = 0; i < 150; ++i) {
    images.push_back(to_hex(crypto::random_array<16>()));
    ASSERT_THAT(put(sm, images.back(), 3, lasting_policy()), Succeeds());
  }
  const auto sealed = seal(logged, images);
  ASSERT_THAT(sealed, Succeeds());
  const auto page = audit->export_log(kTenant, {}).value();
  EXPECT_EQ(page.entries_size(), 1 + 2 * 151 + 1);
  const auto last = sealed->images(150).hosts(1);
  EXPECT_GT(last.receipt().size(), 64U);
  EXPECT_NE(page.entries(302).entry().find(images.back()), std::string::npos);
  EXPECT_NE(page.entries(302).entry().find("seal_ahead"), std::string::npos);
}

TEST_F(SealingAheadTest, TakesNoMoreAtOnceThanItSays) {
  ASSERT_THAT(sm.put_set(asker(), fleet()), Succeeds());
  EXPECT_THAT(seal(sm, {}), FailsAt(ErrorCode::invalid_argument, "image_ids"));
  EXPECT_THAT(seal(sm, std::vector<std::string>(501, kImage)),
              FailsAt(ErrorCode::invalid_argument, "image_ids"));
}

}  // namespace
}  // namespace sealift::securitymodule
