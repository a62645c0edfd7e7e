// SPDX-License-Identifier: Apache-2.0
#include "tpm/policy.h"

#include "base/matchers.h"

namespace sealift::tpm {
namespace {

// EK Credential Profile v2.5, B.6.2: PolicyA for SHA-256.
TEST(Policy, OfTheEndorsementHierarchyIsTheOneThatTheTcgPublished) {
  EXPECT_EQ(to_hex(Policy{}.secret(Name::of_handle(0x4000000B)).digest().view()),
            "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa");
}

TEST(Policy, DependsOnTheOrderOfItsSteps) {
  const auto platform = Name::of_handle(0x4000000C);
  EXPECT_NE(Policy{}.secret(platform).command_code(1).digest(),
            Policy{}.command_code(1).secret(platform).digest());
}

TEST(Policy, OfAlternativesTakesTwoToEightOfItsOwnLength) {
  const Digest branch{Bytes(32)};
  EXPECT_THAT(Policy::any_of(std::vector{branch}), FailsAt(ErrorCode::invalid_argument, "branches"));
  EXPECT_THAT(Policy::any_of(std::vector(2, branch)), Succeeds());
  EXPECT_THAT(Policy::any_of(std::vector(8, branch)), Succeeds());
  EXPECT_THAT(Policy::any_of(std::vector(9, branch)), FailsAt(ErrorCode::invalid_argument, "branches"));
  EXPECT_THAT(Policy::any_of(std::vector(2, Digest{Bytes(20)})),
              FailsAt(ErrorCode::invalid_argument, "branches"));
}

}  // namespace
}  // namespace sealift::tpm
