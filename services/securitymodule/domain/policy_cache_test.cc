// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/policy_cache.h"

#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

Bytes document(const std::string& pcr) {
  auto policy = policy_for_test();
  policy.set_approved_pcrs("sha256:6=" + pcr);
  return ImagePolicy::check(policy).value().document();
}

const auto kOne = document(std::string(64, '1'));
const auto kTwo = document(std::string(64, '2'));

TEST(PolicyCache, GivesTheSamePolicyForTheSameDocument) {
  PolicyCache cache;
  const auto first = cache.read(kOne).value();
  EXPECT_EQ(cache.read(kOne).value(), first);
  EXPECT_EQ(first->document(), kOne);
}

TEST(PolicyCache, TellsPoliciesApart) {
  PolicyCache cache;
  EXPECT_EQ(cache.read(kOne).value()->document(), kOne);
  EXPECT_EQ(cache.read(kTwo).value()->document(), kTwo);
  EXPECT_EQ(cache.size(), 2U);
}

TEST(PolicyCache, ForgetsThoseThatWereNotUsedForLongest) {
  PolicyCache cache{kOne.size() + kTwo.size()};
  const auto one = cache.read(kOne).value();
  const auto two = cache.read(kTwo).value();
  EXPECT_EQ(cache.read(kOne).value(), one);
  ASSERT_THAT(cache.read(document(std::string(64, '3'))), Succeeds());
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(cache.read(kOne).value(), one);
  EXPECT_NE(cache.read(kTwo).value(), two);
}

TEST(PolicyCache, KeepsNothingThatCannotBeRead) {
  PolicyCache cache;
  EXPECT_FALSE(cache.read(as_bytes("no policy")));
  EXPECT_EQ(cache.size(), 0U);
}

}  // namespace
}  // namespace sealift::securitymodule
