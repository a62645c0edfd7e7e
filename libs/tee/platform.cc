// SPDX-License-Identifier: Apache-2.0
#include "tee/platform.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "tee/platform_certificate.h"
#include "tee/public_area.h"
#include "tpm/profile.h"

namespace sealift::tee {
namespace {

using crypto::Certificate;

/// TCG Component Class and EK Credential Profile 3.1.2: attributes of the directory name that names the TPM.
constexpr std::string_view kTpmManufacturer = "2.23.133.2.1";
constexpr std::string_view kTpmModel = "2.23.133.2.2";
constexpr std::string_view kTpmVersion = "2.23.133.2.3";

Result<Certificate> parse_one(ByteView bytes, std::size_t index) {
  const bool is_der = !bytes.empty() && bytes[0] == 0x30;
  auto certificate = is_der ? Certificate::parse_padded(bytes) : Certificate::parse(bytes);
  if (certificate) return certificate;
  return fail(ErrorCode::ek_certificate_malformed, certificate.error().message,
              fmt::format("ek_certificates[{}]", index), certificate.error().detail);
}

Result<std::vector<Certificate>> parse_all(const std::vector<Bytes>& shown) {
  if (shown.empty() || shown[0].empty()) {
    return fail(ErrorCode::ek_certificate_missing, "the evidence has no EK certificate", "ek_certificates");
  }
  if (shown.size() > 1 + crypto::kExtraIntermediates) {
    return fail(ErrorCode::too_large, "the evidence has too many certificates", "ek_certificates");
  }
  std::vector<Certificate> certificates;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    SEALIFT_TRY(auto certificate, parse_one(shown[i], i));
    certificates.push_back(std::move(certificate));
  }
  return certificates;
}

Status check_ek_usage(const Certificate& certificate) {
  const auto refuse = [](std::string_view what, std::string_view field) {
    return fail(ErrorCode::certificate_usage_refused, fmt::format("the EK certificate {}", what),
                std::string{field});
  };
  const auto usages = certificate.extended_key_usage();
  if (std::ranges::find(usages, kEkCertificateUsage) == usages.end()) {
    return refuse("is not made for an EK: its extended key usage lacks 2.23.133.8.1", "extendedKeyUsage");
  }
  if (certificate.is_ca()) return refuse("is a CA's", "basicConstraints");
  // Either usage for either algorithm: vendors do not agree which of them an ECC EK has.
  if (!certificate.may_encrypt() || certificate.may_sign()) {
    return refuse("is not of a decryption key only", "keyUsage");
  }
  return {};
}

Status check_key(const Certificate& certificate, const tpm::Public& ek) {
  SEALIFT_TRY(const auto certified, certificate.public_key());
  const auto shown = ek.key();
  if (!shown || certified == *shown) return {};  // a key of another type is the template's objection
  return differs(ErrorCode::ek_key_differs, "the EK shown is not the key in the EK certificate",
                 "endorsement_key", to_hex(hardware_key_hash(certified).view()),
                 to_hex(hardware_key_hash(*shown).view()));
}

tpm::KeyKind template_kind(const TPMT_PUBLIC& area) {
  if (area.type != TPM2_ALG_ECC) return tpm::KeyKind::rsa2048;
  return area.parameters.eccDetail.curveID == TPM2_ECC_NIST_P384 ? tpm::KeyKind::p384 : tpm::KeyKind::p256;
}

/// A key of this exact shape is restricted to decryption: no TPM uses it for anything but credentials and
/// sessions.
Status check_template(const tpm::Public& ek) {
  const auto kind = template_kind(ek.area());
  const auto& templates = tpm::endorsement_keys();
  const auto* const expected = std::ranges::find(templates, kind, &tpm::EndorsementKey::kind);
  const auto difference = first_difference(ek.area(), expected->public_template());
  if (difference) {
    return differs(ErrorCode::ek_template_differs,
                   fmt::format("the EK is not of the TCG's template {}: {}", expected->template_name,
                               difference->message),
                   difference->field, difference->expected, difference->found);
  }
  if (expected->made(ek)) return {};
  return fail(ErrorCode::ek_template_differs, "the EK's numbers are not those of such a key", "unique");
}

TpmIdentity identity_of(const Certificate& certificate) {
  TpmIdentity identity;
  for (const auto& [type, value] : certificate.directory_alt_names()) {
    if (type == kTpmManufacturer) identity.manufacturer = value;
    if (type == kTpmModel) identity.model = value;
    if (type == kTpmVersion) identity.version = value;
  }
  return identity;
}

}  // namespace

Digest hardware_key_hash(const crypto::PublicKey& ek) {
  return crypto::digest(crypto::HashAlgorithm::sha256, ek.der());
}

Result<VerifiedPlatform> VerifiedPlatform::verify(const PlatformEvidence& evidence, const TrustedRoots& roots,
                                                  TimePoint time) {
  SEALIFT_TRY(const auto certificates, parse_all(evidence.ek_certificates));
  const auto& certificate = certificates[0];
  SEALIFT_TRY(const auto chain,
              crypto::verify_chain(certificate, roots, time, std::span{certificates}.subspan(1)));
  SEALIFT_CHECK(check_ek_usage(certificate));
  SEALIFT_CHECK(check_key(certificate, evidence.endorsement_key));
  SEALIFT_CHECK(check_template(evidence.endorsement_key));
  SEALIFT_TRY(const auto key, certificate.public_key());
  VerifiedPlatform platform{evidence.endorsement_key, certificate, tee::hardware_key_hash(key)};
  platform.identity_ = identity_of(certificate);
  platform.root_ = chain.back().subject();
  platform.holds_until_ = crypto::next_change(roots, certificates, time);
  if (!evidence.platform_certificate.empty()) {
    SEALIFT_CHECK(verify_platform_certificate(evidence.platform_certificate, certificate, roots, time,
                                              std::span{certificates}.subspan(1)));
    SEALIFT_TRY(const auto validity, platform_certificate_validity(evidence.platform_certificate));
    platform.holds_until_ = std::min(platform.holds_until_, crypto::next_change(validity, time));
    platform.platform_certificate_ = evidence.platform_certificate;
  }
  return platform;
}

}  // namespace sealift::tee
