// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/verified_hosts.h"

#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

using test_pki::kNow;

TimePoint at(std::int64_t seconds) { return TimePoint{std::chrono::seconds{seconds}}; }

class VerifiedHostsTest : public testing::Test {
 protected:
  auto verify(std::int64_t time, const ImagePolicy& policy) {
    return hosts_.verify(evidence_, policy, at(time));
  }
  auto verify(std::int64_t time) { return verify(time, policy_); }

  tee::HostForTest host_;
  Bytes evidence_ = host_.evidence();
  ImagePolicy policy_ = ImagePolicy::check(policy_for_test()).value();
  VerifiedHosts hosts_;
};

TEST_F(VerifiedHostsTest, GiveTheSameVerdictAgain) {
  const auto first = verify(kNow).value();
  EXPECT_EQ(verify(kNow + 60).value(), first);
  EXPECT_EQ(first->key.name(), host_.storage_key.name());
}

TEST_F(VerifiedHostsTest, KnowAHostUnderThePolicyItWasVerifiedUnderOnly) {
  ASSERT_THAT(verify(kNow), Succeeds());
  auto other = policy_for_test();
  other.set_approved_pcrs("sha256:6=" + std::string(64, '1'));
  EXPECT_THAT(verify(kNow, ImagePolicy::check(other).value()),
              FailsWith(ErrorCode::storage_key_policy_differs));
}

TEST_F(VerifiedHostsTest, VerifyWhatIsOneBitAnotherEvidence) {
  ASSERT_THAT(verify(kNow), Succeeds());
  auto bytes = evidence_;
  const auto text = std::string{as_text(evidence_)};
  bytes[text.find("storage_key") + 40] ^= 1U;
  EXPECT_FALSE(hosts_.verify(bytes, policy_, at(kNow)));
}

TEST_F(VerifiedHostsTest, RefuseAHostWhoseCertificateHasExpiredSince) {
  auto policy = policy_for_test();
  policy.clear_crls();  // they end at the same time
  policy.set_require_crl(false);
  const auto without_lists = ImagePolicy::check(policy).value();
  const auto end = test_pki::kCurrent.not_after;
  const auto first = verify(end - 10, without_lists).value();
  EXPECT_EQ(verify(end - 1, without_lists).value(), first);
  EXPECT_THAT(verify(end + 1, without_lists), FailsWith(ErrorCode::certificate_expired));
}

TEST_F(VerifiedHostsTest, RefuseAHostWhoseRevocationListIsTooOldNow) {
  auto trust = test_pki::pki().trust();
  trust.crls[1] = test_pki::pki().intermediate.issue_crl({}, {kNow - 10, kNow + 10}).value();
  const auto policy = ImagePolicy::check(policy_for(trust, tpm::some_pcrs())).value();
  const auto first = verify(kNow, policy).value();
  EXPECT_EQ(verify(kNow + 9, policy).value(), first);
  EXPECT_THAT(verify(kNow + 11, policy), FailsWith(ErrorCode::crl_expired));
}

TEST_F(VerifiedHostsTest, VerifyAgainWhereTheClockWentBack) {
  ASSERT_THAT(verify(kNow), Succeeds());
  EXPECT_THAT(verify(test_pki::kCurrent.not_before - 1), FailsWith(ErrorCode::crl_invalid));
}

TEST_F(VerifiedHostsTest, ForgetRefusals) {
  EXPECT_FALSE(verify(test_pki::kCurrent.not_before - 1));
  EXPECT_THAT(verify(kNow), Succeeds());
}

}  // namespace
}  // namespace sealift::securitymodule
