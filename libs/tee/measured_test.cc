// SPDX-License-Identifier: Apache-2.0
#include "tee/measured.h"

#include "tee/tpm_hosts_for_test.h"

namespace sealift::tee {
namespace {

INSTANTIATE_TEST_SUITE_P(Measured, TeeBackendConformance,
                         testing::Values(tpm_hosts("measured",
                                                   std::make_shared<MeasuredBackend>(HostForTest::policy()),
                                                   host(), other_host())));

TEST(MeasuredBackendTest, ProvesAnEnrolledHost) {
  const MeasuredBackend backend{HostForTest::policy()};
  EXPECT_EQ(backend.name(), "measured");
  const auto examination = backend.examine(host().evidence(), test_pki::now()).value();
  const auto credential = tpm::parse_credential_file(examination->question()).value();
  const auto target = examination->conclude(host().activate(credential).value(), test_pki::now()).value();
  const auto* const measured = dynamic_cast<const MeasuredTarget*>(target.get());
  ASSERT_NE(measured, nullptr);
  EXPECT_EQ(measured->host().storage_key_name(), host().storage_key.name());
}

TEST(MeasuredBackendTest, KeepsTheVerifiedPlatformCertificate) {
  auto evidence = genuine();
  evidence.platform_certificate = host().platform_certificate();
  auto challenge =
      challenge_measured_host(as_bytes(tpm::to_json(evidence)), HostForTest::policy(), test_pki::now())
          .value();
  EXPECT_EQ(challenge.subject().platform_issuer(), test_pki::pki().intermediate.certificate().subject());
  challenge = Challenge::from_json(challenge.to_json()).value();
  const auto answer = host().activate(challenge.credential()).value();
  const auto enrolled = challenge.finish(answer, test_pki::now()).value();
  const auto again = EnrolledHost::from_json(enrolled.to_json()).value();
  EXPECT_EQ(again.subject().platform_certificate, evidence.platform_certificate);
  EXPECT_EQ(again.subject().platform_issuer(), challenge.subject().platform_issuer());
}

TEST(MeasuredBackendTest, NeedsNoPlatformCertificate) {
  const auto challenge =
      challenge_measured_host(host().evidence(), HostForTest::policy(), test_pki::now()).value();
  EXPECT_EQ(challenge.subject().platform_issuer(), std::nullopt);
}

}  // namespace
}  // namespace sealift::tee
