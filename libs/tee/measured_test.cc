// SPDX-License-Identifier: Apache-2.0
#include "tee/measured.h"

#include "tee/conformance_test_suite.h"
#include "tee/host_for_test.h"

namespace sealift::tee {
namespace {

tpm::Evidence genuine() {
  return {"firmware", {host().ek_certificate.der()}, host().ek_public, host().storage_key};
}

EvidenceFault fault(std::string name, ErrorCode code, std::string field,
                    const std::function<void(tpm::Evidence&)>& change) {
  auto evidence = genuine();
  change(evidence);
  return {std::move(name), to_bytes(as_bytes(tpm::to_json(evidence))), code, std::move(field)};
}

/// The document with one text replaced.
EvidenceFault edited(std::string name, ErrorCode code, std::string field, std::string_view from,
                     std::string_view to) {
  auto text = tpm::to_json(genuine());
  text.replace(text.find(from), from.size(), to);
  return {std::move(name), to_bytes(as_bytes(text)), code, std::move(field)};
}

std::vector<EvidenceFault> faults(const HostForTest& other) {
  const auto set = [](TPMA_OBJECT bit) {
    return [bit](tpm::Evidence& e) {
      e.storage_key = changed(e.storage_key, [bit](TPMT_PUBLIC& area) { area.objectAttributes ^= bit; });
    };
  };
  constexpr auto kMalformed = ErrorCode::malformed;
  return {
      edited("other format", kMalformed, "format", "evidence.v1", "evidence.v2"),
      edited("unknown member", kMalformed, "platform", "\"profile\"", "\"platform\": \"AA==\", \"profile\""),
      edited("storage key missing", kMalformed, "storage_key", "storage_key", "storage_kex"),
      edited("EK missing", kMalformed, "endorsement_key", "endorsement_key", "endorsement_kex"),
      fault("other profile", ErrorCode::storage_key_policy_differs, "profile",
            [](auto& e) { e.profile = "owner"; }),
      fault("unknown profile", ErrorCode::storage_key_policy_differs, "profile",
            [](auto& e) { e.profile = "none"; }),
      fault("certificate of another host", ErrorCode::ek_key_differs, "endorsement_key",
            [&](auto& e) { e.ek_certificates = {other.ek_certificate.der()}; }),
      fault("EK of another host", ErrorCode::ek_key_differs, "endorsement_key",
            [&](auto& e) { e.endorsement_key = other.ek_public; }),
      fault("storage key in the EK's place", ErrorCode::ek_template_differs, "type",
            [](auto& e) {
              e.endorsement_key = tpm::Public::from_template([] {
                                    TPMT_PUBLIC area{};
                                    area.type = TPM2_ALG_KEYEDHASH;
                                    area.nameAlg = TPM2_ALG_SHA256;
                                    area.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
                                    return area;
                                  }())
                                      .value();
            }),
      fault("EK in the storage key's place", ErrorCode::storage_key_attributes_refused, "adminWithPolicy",
            [](auto& e) { e.storage_key = e.endorsement_key; }),
      fault("exportable storage key", ErrorCode::storage_key_attributes_refused, "fixedTPM",
            set(TPMA_OBJECT_FIXEDTPM)),
      fault("imported storage key", ErrorCode::storage_key_attributes_refused, "sensitiveDataOrigin",
            set(TPMA_OBJECT_SENSITIVEDATAORIGIN)),
      fault("general decryption key", ErrorCode::storage_key_attributes_refused, "restricted",
            set(TPMA_OBJECT_RESTRICTED)),
      fault("usable without policy", ErrorCode::storage_key_attributes_refused, "userWithAuth",
            set(TPMA_OBJECT_USERWITHAUTH)),
      fault("other policy", ErrorCode::storage_key_policy_differs, "authPolicy",
            [](auto& e) {
              e.storage_key =
                  changed(e.storage_key, [](TPMT_PUBLIC& area) { area.authPolicy.buffer[0] ^= 1U; });
            }),
      fault("platform certificate of another host", ErrorCode::platform_certificate_differs,
            "platform_certificate", [&](auto& e) { e.platform_certificate = other.platform_certificate(); }),
      fault("garbage for a platform certificate", ErrorCode::platform_certificate_malformed,
            "platform_certificate", [](auto& e) { e.platform_certificate = Bytes{1, 2, 3}; }),
      fault("garbage for a certificate", ErrorCode::ek_certificate_malformed, "ek_certificates[0]",
            [](auto& e) { e.ek_certificates = {Bytes{1, 2, 3}}; }),
  };
}

ConformanceHosts measured_hosts() {
  static const HostForTest kOther;
  return {.name = "measured",
          .backend = std::make_shared<MeasuredBackend>(HostForTest::policy()),
          .evidence = host().evidence(),
          .other_evidence = kOther.evidence(),
          .answer =
              [](ByteView question) {
                return host().activate(tpm::parse_credential_file(question).value()).value();
              },
          .now = test_pki::now(),
          .lifetime = kChallengeLifetime,
          .wrong_answer = ErrorCode::challenge_response_differs,
          .faults = faults(kOther)};
}

INSTANTIATE_TEST_SUITE_P(Measured, TeeBackendConformance, testing::Values(measured_hosts()));

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
