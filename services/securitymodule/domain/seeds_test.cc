// SPDX-License-Identifier: Apache-2.0
#include <fstream>

#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

using tee::host;

class SeedsTest : public SecurityModuleTest {
 protected:
  Result<v1::ListSeedsResponse> list(const std::string& after = {}, std::uint32_t limit = 0,
                                     const std::string& tenant = kTenant) {
    v1::ListSeedsRequest request;
    request.set_after(after);
    request.set_limit(limit);
    return sm.list_seeds(asker(tenant), request);
  }
  Status remove(const std::string& image = kImage, const std::string& tenant = kTenant) {
    v1::DeleteSeedRequest request;
    request.set_image_id(image);
    return sm.delete_seed(asker(tenant), request);
  }
};

TEST_F(SeedsTest, AreTakenAndTakenAgainWhenTheyAreTheSame) {
  EXPECT_THAT(put(sm), Succeeds());
  EXPECT_THAT(put(sm), Succeeds());
  EXPECT_EQ(list().value().seeds_size(), 1);
}

TEST_F(SeedsTest, AreNeverReplaced) {
  ASSERT_THAT(put(sm, kImage, 1), Succeeds());
  EXPECT_THAT(put(sm, kImage, 2), FailsAt(ErrorCode::already_exists, "seed"));
  auto other = policy_for_test();
  other.set_profile("owner");
  EXPECT_THAT(put(sm, kImage, 1, other), FailsAt(ErrorCode::already_exists, "policy"));
}

TEST_F(SeedsTest, HaveThirtyTwoBytes) {
  v1::PutSeedRequest request;
  request.set_image_id(kImage);
  *request.mutable_policy() = policy_for_test();
  for (const std::size_t size : {0, 1, 31, 33, 1000})
    EXPECT_THAT(sm.put_seed(asker(), request, SecretBytes{size}),
                FailsAt(ErrorCode::invalid_argument, "seed"));
}

TEST_F(SeedsTest, AreForImagesThatHaveAName) {
  for (const auto* id : {"", "00", "0001020304050607-8090a0b0c0d0e0f", "../../../../../etc/passwd"})
    EXPECT_THAT(put(sm, id), FailsAt(ErrorCode::invalid_argument, "image_id")) << id;
}

TEST_F(SeedsTest, AreNotTakenWithAPolicyThatNobodyCouldSatisfy) {
  auto policy = policy_for_test();
  policy.clear_trusted_roots();
  EXPECT_THAT(put(sm, kImage, 1, policy), FailsAt(ErrorCode::invalid_argument, "policy.trusted_roots"));
  EXPECT_EQ(list().value().seeds_size(), 0);
}

TEST_F(SeedsTest, OfATenantAreUnknownToAnother) {
  ASSERT_THAT(put(sm), Succeeds());
  EXPECT_EQ(list({}, 0, kOtherTenant).value().seeds_size(), 0);
  EXPECT_THAT(put(sm, kImage, 2, policy_for_test(), kOtherTenant), Succeeds());
  EXPECT_THAT(remove(kImage, kOtherTenant), Succeeds());
  EXPECT_EQ(list().value().seeds_size(), 1);
}

TEST_F(SeedsTest, OfATenantThatIsNotServedAreNotTaken) {
  EXPECT_THAT(put(sm, kImage, 1, policy_for_test(), "initech"),
              FailsAt(ErrorCode::permission_denied, "tenant"));
  EXPECT_THAT(list({}, 0, "initech"), FailsAt(ErrorCode::permission_denied, "tenant"));
  EXPECT_THAT(remove(kImage, "initech"), FailsAt(ErrorCode::permission_denied, "tenant"));
  EXPECT_THAT(sm.list_enrolled_hosts(asker("initech"), {}), FailsAt(ErrorCode::permission_denied, "tenant"));
  EXPECT_THAT(ask(sm, host().evidence(), kImage, "initech"), FailsAt(ErrorCode::permission_denied, "tenant"));
  EXPECT_THAT(answer(sm, {}, {}, kImage, "initech"), FailsAt(ErrorCode::permission_denied, "tenant"));
}

TEST_F(SeedsTest, AreListedInPagesWithTheirPolicies) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(std::string(31, '0') + std::to_string(i));
  for (const auto& id : ids) ASSERT_THAT(put(sm, id), Succeeds());
  std::vector<std::string> seen;
  bool more = true;
  while (more) {
    const auto page = list(seen.empty() ? "" : seen.back(), 2).value();
    EXPECT_LE(page.seeds_size(), 2);
    for (const auto& seed : page.seeds()) {
      seen.push_back(seed.image_id());
      EXPECT_EQ(seed.policy().SerializeAsString(), policy_for_test().SerializeAsString());
      EXPECT_EQ(seed.created_at(), test_pki::kNow);
    }
    more = page.more();
  }
  EXPECT_EQ(seen, ids);
  EXPECT_THAT(list({}, 101), FailsAt(ErrorCode::invalid_argument, "limit"));
}

TEST_F(SeedsTest, AreListedWithTheNumberOfTheirAuthorizations) {
  const tee::HostForTest other;
  ASSERT_THAT(put(sm), Succeeds());
  ASSERT_THAT(enrol(sm, host()), Succeeds());
  ASSERT_THAT(enrol(sm, other), Succeeds());
  EXPECT_EQ(list().value().seeds(0).authorizations(), 2U);
}

TEST_F(SeedsTest, GoWithTheirAuthorizations) {
  ASSERT_THAT(put(sm), Succeeds());
  const auto first = enrol(sm, host()).value();
  EXPECT_THAT(remove(), Succeeds());
  EXPECT_THAT(remove(), Succeeds());
  EXPECT_THAT(ask(sm, host().evidence()), FailsAt(ErrorCode::not_found, "image_id"));
  ASSERT_THAT(put(sm), Succeeds());
  EXPECT_EQ(list().value().seeds(0).authorizations(), 0U);
  const auto again = ask(sm, host().evidence()).value();
  EXPECT_NE(again.sealed_data().seed(), first.sealed_data().seed());
}

TEST_F(SeedsTest, OfAnEarlierInsertionLendNoAuthorizationToALaterOne) {
  ASSERT_THAT(put(sm), Succeeds());
  ASSERT_THAT(enrol(sm, host()), Succeeds());
  auto& store = *replica.stores.authorizations;
  const auto left = store.list_of_image(kTenant, kImage, {}, 10).value().at(0);
  ASSERT_THAT(remove(), Succeeds());
  ASSERT_THAT(put(sm, kImage, 2), Succeeds());
  // A request that was on its way while the seed went.
  ASSERT_THAT(store.put_if_absent(left), Succeeds());
  EXPECT_THAT(ask(sm, host().evidence()), Succeeds());
  EXPECT_EQ(log.count("made"), 2);
}

TEST_F(SeedsTest, AreNowhereToBeFoundOutsideTheVault) {
  ASSERT_THAT(put(sm, kImage, 0xb7), Succeeds());
  ASSERT_THAT(enrol(sm, host()), Succeeds());
  const std::string raw(16, '\xb7');
  const auto database = url().substr(url().find(':') + 1);
  for (const auto* suffix : {"", "-wal"}) {
    const auto bytes = read_file(database + suffix, 1UL << 30U);
    ASSERT_THAT(bytes, Succeeds());
    EXPECT_EQ(as_text(*bytes).find(raw), std::string::npos);
  }
  for (const auto& line : log.lines()) {
    EXPECT_EQ(line.decision.image_id.find("b7b7b7b7"), std::string::npos);
    EXPECT_EQ(line.decision.asker.identity.find("b7b7b7b7"), std::string::npos);
  }
}

}  // namespace
}  // namespace sealift::securitymodule
