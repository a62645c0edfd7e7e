// SPDX-License-Identifier: Apache-2.0
#include "tee/enrolment_json.h"

#include <fmt/core.h>

#include "crypto/base64.h"
#include "tee/platform_certificate.h"

namespace sealift::tee {
namespace {

constexpr const char* kApprover = "approver";
constexpr const char* kPlatformCertificate = "platform_certificate";

Result<Bytes> take_platform_certificate(json::Object& json, const crypto::Certificate& ek_certificate) {
  if (!json.has(kPlatformCertificate)) return Bytes{};
  SEALIFT_TRY(auto der, json.take_base64(kPlatformCertificate));
  if (!platform_certificate_issuer(der, ek_certificate))
    return json.refuse(kPlatformCertificate, "is not for the EK certificate");
  return der;
}

/// Of the two members that there may be, exactly one.
Result<tpm::Binding> take_binding(json::Object& json) {
  if (json.has(kApprover)) {
    SEALIFT_TRY(const auto der, json.take_base64(kApprover));
    const auto key = crypto::PublicKey::parse(der);
    auto approver = key ? tpm::Approver::create(*key) : Result<tpm::Approver>{tl::unexpected(key.error())};
    if (!approver || !same_bytes(key->der(), der)) return json.refuse(kApprover, "is not a P-256 key in DER");
    return tpm::Binding{*std::move(approver)};
  }
  SEALIFT_TRY(const auto pcrs, json.take_text("approved_pcrs"));
  auto approved = tpm::PcrValues::parse(pcrs);
  if (!approved) return json.refuse("approved_pcrs", "is not a list of PCR values");
  return tpm::Binding{*std::move(approved)};
}

}  // namespace

Result<EnrolmentSubject> take_subject(json::Object& json) {
  SEALIFT_TRY(const auto profile_name, json.take_text("profile"));
  const auto profile = tpm::profile_from_name(profile_name);
  if (!profile) return json.refuse("profile", "is not a profile's name");
  SEALIFT_TRY(const auto approved, take_binding(json));
  SEALIFT_TRY(const auto tpm2b, json.take_base64("storage_key"));
  const auto key = tpm::Public::parse(tpm2b);
  if (!key) return json.refuse("storage_key", "is not a TPM2B_PUBLIC");
  SEALIFT_TRY(const auto name, json.take_text("storage_key_name"));
  if (name != key->name().hex()) return json.refuse("storage_key_name", "is not the storage key's");
  SEALIFT_TRY(auto verified, VerifiedStorageKey::verify(*key, **profile, approved));
  SEALIFT_TRY(const auto der, json.take_base64("ek_certificate"));
  auto certificate = crypto::Certificate::parse(der);
  if (!certificate) return json.refuse("ek_certificate", "is not a certificate");
  const auto ek = certificate->public_key();
  if (!ek) return json.refuse("ek_certificate", "has no key that an EK can have");
  SEALIFT_TRY(const auto hash, json.take_hex("hardware_key_hash", 32));
  if (!same_bytes(hash, hardware_key_hash(*ek).view())) {
    return json.refuse("hardware_key_hash", "is not the EK certificate's");
  }
  SEALIFT_TRY(auto platform, take_platform_certificate(json, *certificate));
  return EnrolmentSubject{std::move(verified), std::move(*certificate), Digest{hash}, std::move(platform)};
}

std::string json_string(std::string_view text) { return fmt::format("\"{}\"", text); }

void append_subject(const EnrolmentSubject& subject, JsonMembers& out) {
  // Every value is made of hexadecimal, base64 or fixed words: nothing needs escaping.
  out.emplace_back("hardware_key_hash", json_string(to_hex(subject.hardware_key_hash.view())));
  out.emplace_back("profile", json_string(subject.key.profile().name));
  if (const auto* const approver = subject.key.approved().approver()) {
    out.emplace_back(kApprover, json_string(crypto::to_base64(approver->key().der())));
  } else {
    out.emplace_back("approved_pcrs", json_string(subject.key.approved().text()));
  }
  out.emplace_back("storage_key_name", json_string(subject.key.name().hex()));
  out.emplace_back("storage_key", json_string(crypto::to_base64(subject.key.key().tpm2b())));
  out.emplace_back("ek_certificate", json_string(crypto::to_base64(subject.ek_certificate.der())));
  if (!subject.platform_certificate.empty())
    out.emplace_back(kPlatformCertificate, json_string(crypto::to_base64(subject.platform_certificate)));
}

std::string write_json(const JsonMembers& members) {
  std::string out = "{";
  for (const auto& [name, value] : members) {
    out += fmt::format("{}\n  \"{}\": {}", out.size() == 1 ? "" : ",", name, value);
  }
  return out + "\n}\n";
}

}  // namespace sealift::tee
