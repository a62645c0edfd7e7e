// SPDX-License-Identifier: Apache-2.0
/// For tests: hosts that prove themselves by a TPM, for the conformance suite.
#pragma once

#include "tee/conformance_test_suite.h"
#include "tee/host_for_test.h"

namespace sealift::tee {

inline tpm::Evidence genuine(const HostForTest& of = host()) {
  return {"firmware", {of.ek_certificate.der()}, of.ek_public, of.storage_key};
}

inline EvidenceFault fault(const HostForTest& of, std::string name, ErrorCode code, std::string field,
                           const std::function<void(tpm::Evidence&)>& change) {
  auto evidence = genuine(of);
  change(evidence);
  return {std::move(name), to_bytes(as_bytes(tpm::to_json(evidence))), code, std::move(field)};
}

/// The document with one text replaced.
inline EvidenceFault edited(const HostForTest& of, std::string name, ErrorCode code, std::string field,
                            std::string_view from, std::string_view to) {
  auto text = tpm::to_json(genuine(of));
  text.replace(text.find(from), from.size(), to);
  return {std::move(name), to_bytes(as_bytes(text)), code, std::move(field)};
}

/// Everything that can be wrong with what a TPM shows.
inline std::vector<EvidenceFault> tpm_evidence_faults(const HostForTest& of, const HostForTest& other) {
  const auto set = [](TPMA_OBJECT bit) {
    return [bit](tpm::Evidence& e) {
      e.storage_key = changed(e.storage_key, [bit](TPMT_PUBLIC& area) { area.objectAttributes ^= bit; });
    };
  };
  constexpr auto kMalformed = ErrorCode::malformed;
  return {
      edited(of, "other format", kMalformed, "format", "evidence.v1", "evidence.v2"),
      edited(of, "unknown member", kMalformed, "platform", "\"profile\"",
             "\"platform\": \"AA==\", \"profile\""),
      edited(of, "storage key missing", kMalformed, "storage_key", "storage_key", "storage_kex"),
      edited(of, "EK missing", kMalformed, "endorsement_key", "endorsement_key", "endorsement_kex"),
      fault(of, "other profile", ErrorCode::storage_key_policy_differs, "profile",
            [](auto& e) { e.profile = "owner"; }),
      fault(of, "unknown profile", ErrorCode::storage_key_policy_differs, "profile",
            [](auto& e) { e.profile = "none"; }),
      fault(of, "certificate of another host", ErrorCode::ek_key_differs, "endorsement_key",
            [&](auto& e) { e.ek_certificates = {other.ek_certificate.der()}; }),
      fault(of, "EK of another host", ErrorCode::ek_key_differs, "endorsement_key",
            [&](auto& e) { e.endorsement_key = other.ek_public; }),
      fault(of, "storage key in the EK's place", ErrorCode::ek_template_differs, "type",
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
      fault(of, "EK in the storage key's place", ErrorCode::storage_key_attributes_refused, "adminWithPolicy",
            [](auto& e) { e.storage_key = e.endorsement_key; }),
      fault(of, "exportable storage key", ErrorCode::storage_key_attributes_refused, "fixedTPM",
            set(TPMA_OBJECT_FIXEDTPM)),
      fault(of, "imported storage key", ErrorCode::storage_key_attributes_refused, "sensitiveDataOrigin",
            set(TPMA_OBJECT_SENSITIVEDATAORIGIN)),
      fault(of, "general decryption key", ErrorCode::storage_key_attributes_refused, "restricted",
            set(TPMA_OBJECT_RESTRICTED)),
      fault(of, "usable without policy", ErrorCode::storage_key_attributes_refused, "userWithAuth",
            set(TPMA_OBJECT_USERWITHAUTH)),
      fault(of, "other policy", ErrorCode::storage_key_policy_differs, "authPolicy",
            [](auto& e) {
              e.storage_key =
                  changed(e.storage_key, [](TPMT_PUBLIC& area) { area.authPolicy.buffer[0] ^= 1U; });
            }),
      fault(of, "platform certificate of another host", ErrorCode::platform_certificate_differs,
            "platform_certificate", [&](auto& e) { e.platform_certificate = other.platform_certificate(); }),
      fault(of, "garbage for a platform certificate", ErrorCode::platform_certificate_malformed,
            "platform_certificate", [](auto& e) { e.platform_certificate = Bytes{1, 2, 3}; }),
      fault(of, "garbage for a certificate", ErrorCode::ek_certificate_malformed, "ek_certificates[0]",
            [](auto& e) { e.ek_certificates = {Bytes{1, 2, 3}}; }),
  };
}

/// `first` and `other` outlive the test.
inline ConformanceHosts tpm_hosts(std::string name, std::shared_ptr<const TeeBackend> backend,
                                  const HostForTest& first, const HostForTest& other) {
  return {.name = std::move(name),
          .backend = std::move(backend),
          .evidence = first.evidence(),
          .other_evidence = other.evidence(),
          .answer =
              [&first](ByteView question) {
                return first.activate(tpm::parse_credential_file(question).value()).value();
              },
          .now = test_pki::now(),
          .lifetime = kChallengeLifetime,
          .wrong_answer = ErrorCode::challenge_response_differs,
          .faults = tpm_evidence_faults(first, other)};
}

/// Another one than host().
inline const HostForTest& other_host() {
  static const HostForTest kOther;
  return kOther;
}

}  // namespace sealift::tee
