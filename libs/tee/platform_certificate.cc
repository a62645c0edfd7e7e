// SPDX-License-Identifier: Apache-2.0
#include "tee/platform_certificate.h"

#include <fmt/core.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <variant>

#include "crypto/attribute_certificate.h"

namespace sealift::tee {
namespace {

using crypto::AttributeCertificate;
using crypto::AttributeCertificatePtr;
using crypto::AttributeInfo;
using crypto::AttributeValidity;
using crypto::Certificate;
using crypto::only_directory_name;

constexpr const char* kField = "platform_certificate";
/// tcg-kp-PlatformAttributeCertificate, tcg-kp-PlatformKeyCertificate: of a platform's public-key
/// certificate.
constexpr std::array<std::string_view, 2> kPlatformUsages{"2.23.133.8.2", "2.23.133.8.4"};

tl::unexpected<Error> refuse(ErrorCode code, std::string_view what) {
  ERR_clear_error();
  return fail(code, fmt::format("the platform certificate {}", what), kField);
}

/// verify_chain's refusal, as one of the platform certificate.
Status check_chain(const Certificate& certificate, const crypto::TrustedRoots& roots, TimePoint time,
                   std::span<const Certificate> shown) {
  auto chain = crypto::verify_chain(certificate, roots, time, shown);
  if (chain) return {};
  auto error = std::move(chain).error();
  error.field = fmt::format("{}.{}", kField, error.field);
  error.message = "the platform certificate: " + error.message;
  return tl::unexpected(std::move(error));
}

Status check_holder(const AttributeInfo& info, const Certificate& ek_certificate) {
  const auto* const base = info.holder->base_certificate;
  const auto* const issuer = base == nullptr ? nullptr : only_directory_name(base->issuer);
  if (issuer != nullptr && X509_NAME_cmp(issuer, X509_get_issuer_name(ek_certificate.get())) == 0 &&
      ASN1_INTEGER_cmp(base->serial, X509_get0_serialNumber(ek_certificate.get())) == 0) {
    return {};
  }
  auto error = refuse(ErrorCode::platform_certificate_differs, "is for another EK certificate");
  error.value().expected = fmt::format("serial {} of {}", ek_certificate.serial(), ek_certificate.issuer());
  error.value().found =
      base == nullptr
          ? "no EK certificate"
          : fmt::format("serial {}", to_hex({ASN1_STRING_get0_data(base->serial),
                                             static_cast<std::size_t>(ASN1_STRING_length(base->serial))}));
  return error;
}

Result<crypto::Validity> validity_of(const AttributeValidity& validity) {
  const auto seconds = [](const ASN1_TIME* when) -> Result<std::int64_t> {
    std::tm parts{};
    if (ASN1_TIME_to_tm(when, &parts) != 1) {
      return refuse(ErrorCode::platform_certificate_malformed, "has a validity that is not a time");
    }
    return timegm(&parts);
  };
  SEALIFT_TRY(const auto from, seconds(validity.not_before));
  SEALIFT_TRY(const auto until, seconds(validity.not_after));
  return crypto::Validity{from, until};
}

Status check_validity(const AttributeValidity& validity, TimePoint time) {
  SEALIFT_TRY(const auto valid, validity_of(validity));
  const auto [from, until] = valid;
  const auto now = crypto::unix_seconds(time);
  if (from <= now && now <= until) return {};
  auto error = now < from ? refuse(ErrorCode::certificate_not_yet_valid,
                                   "is not valid before " + crypto::utc_text(from))
                          : refuse(ErrorCode::certificate_expired, "expired at " + crypto::utc_text(until));
  error.value().expected = fmt::format("{} to {}", crypto::utc_text(from), crypto::utc_text(until));
  error.value().found = crypto::utc_text(now);
  return error;
}

/// What may be critical without our knowing more about it: names of the platform, and the policies it was
/// issued under.
Status check_extensions(const AttributeInfo& info) {
  for (int i = 0; i < sk_X509_EXTENSION_num(info.extensions); ++i) {
    auto* const extension = sk_X509_EXTENSION_value(info.extensions, i);
    const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
    if (X509_EXTENSION_get_critical(extension) != 0 && nid != NID_subject_alt_name &&
        nid != NID_certificate_policies) {
      return refuse(ErrorCode::certificate_usage_refused, "has a critical extension that is not known");
    }
  }
  return {};
}

Status check_algorithm(const AttributeCertificate& certificate) {
  int hash = NID_undef;
  const ASN1_OBJECT* algorithm = nullptr;
  X509_ALGOR_get0(&algorithm, nullptr, nullptr, certificate.signature_algorithm);
  OBJ_find_sigid_algs(OBJ_obj2nid(algorithm), &hash, nullptr);
  const bool strong = hash == NID_sha256 || hash == NID_sha384 || hash == NID_sha512;
  if (strong && X509_ALGOR_cmp(certificate.signature_algorithm, certificate.info->signature_algorithm) == 0)
    return {};
  return refuse(ErrorCode::certificate_algorithm_refused, "is not signed with SHA-256 or better");
}

/// The issuer's certificate among those that the customer gave and those that the host shows.
Result<Certificate> find_issuer(const AttributeInfo& info, const crypto::TrustInput& input,
                                std::span<const Certificate> shown) {
  const auto* const name = only_directory_name(info.issuer->name);
  if (name == nullptr) return refuse(ErrorCode::platform_certificate_malformed, "does not name one issuer");
  for (const auto certificates : {std::span<const Certificate>{input.roots},
                                  std::span<const Certificate>{input.intermediates}, shown}) {
    const auto found = std::ranges::find_if(certificates, [name](const Certificate& each) {
      return X509_NAME_cmp(X509_get_subject_name(each.get()), name) == 0;
    });
    if (found != certificates.end()) return *found;
  }
  return refuse(ErrorCode::issuer_missing,
                fmt::format("is issued by {}, whose certificate is not given", crypto::issuer_of(info)));
}

Status check_revocation(const AttributeInfo& info, const Certificate& issuer, const crypto::TrustInput& input,
                        EVP_PKEY* issuer_key) {
  bool found = false;
  for (const auto& crl : input.crls) {
    if (X509_NAME_cmp(X509_CRL_get_issuer(crl.get()), X509_get_subject_name(issuer.get())) != 0) continue;
    if (X509_CRL_verify(crl.get(), issuer_key) != 1) continue;
    found = true;
    X509_REVOKED* entry = nullptr;
    if (X509_CRL_get0_by_serial(crl.get(), &entry, info.serial) != 0) {
      return refuse(ErrorCode::certificate_revoked, "was withdrawn by its issuer");
    }
  }
  if (found || input.crl_policy == crypto::CrlPolicy::where_given) return {};
  return refuse(ErrorCode::crl_missing, "has an issuer whose revocation list is not given");
}

Status verify_attribute_certificate(const AttributeCertificate& certificate,
                                    const crypto::TrustedRoots& roots, TimePoint time,
                                    std::span<const Certificate> shown) {
  const auto& info = *certificate.info;
  SEALIFT_TRY(const auto issuer, find_issuer(info, roots.input(), shown));
  SEALIFT_CHECK(check_chain(issuer, roots, time, shown));
  if (!issuer.may_sign())
    return refuse(ErrorCode::certificate_usage_refused, "has an issuer that may not sign");
  SEALIFT_CHECK(check_algorithm(certificate));
  SEALIFT_TRY(const auto key, issuer.public_key());
  if (ASN1_item_verify(crypto::attribute_info_item(), certificate.signature_algorithm, certificate.signature,
                       certificate.info, key.get()) != 1) {
    return refuse(ErrorCode::certificate_signature_invalid, "was altered or is not its issuer's");
  }
  SEALIFT_CHECK(check_validity(*info.validity, time));
  SEALIFT_CHECK(check_extensions(info));
  return check_revocation(info, issuer, roots.input(), key.get());
}

Status verify_key_certificate(const Certificate& certificate, const crypto::TrustedRoots& roots,
                              TimePoint time, std::span<const Certificate> shown) {
  SEALIFT_CHECK(check_chain(certificate, roots, time, shown));
  const auto usages = certificate.extended_key_usage();
  if (certificate.is_ca() || std::ranges::find_first_of(usages, kPlatformUsages) == usages.end()) {
    return refuse(ErrorCode::certificate_usage_refused, "is not made for a platform: its usage is another");
  }
  return {};
}

Status check_key(const Certificate& certificate, const Certificate& ek_certificate) {
  const auto key = certificate.public_key();
  const auto ek = ek_certificate.public_key();
  if (key && ek && *key == *ek) return {};
  return refuse(ErrorCode::platform_certificate_differs, "is for another EK");
}

/// Either form, well-formed.
using PlatformCertificate = std::variant<AttributeCertificatePtr, Certificate>;

Result<PlatformCertificate> parse(ByteView der) {
  if (der.size() <= crypto::kCertificateLimit && !der.empty() && der[0] == 0x30) {
    auto attributes = crypto::parse_attribute_certificate(der);
    if (attributes && ASN1_INTEGER_get(attributes->info->version) == 1) return attributes;
    if (auto certificate = Certificate::parse(der)) return *std::move(certificate);
  }
  return refuse(ErrorCode::platform_certificate_malformed,
                "is neither a version 2 attribute certificate nor a certificate in DER");
}

Status check_subject(const PlatformCertificate& certificate, const Certificate& ek_certificate) {
  if (const auto* const attributes = std::get_if<AttributeCertificatePtr>(&certificate))
    return check_holder(*(*attributes)->info, ek_certificate);
  return check_key(std::get<Certificate>(certificate), ek_certificate);
}

}  // namespace

Status verify_platform_certificate(ByteView der, const Certificate& ek_certificate,
                                   const crypto::TrustedRoots& roots, TimePoint time,
                                   std::span<const Certificate> shown) {
  SEALIFT_TRY(const auto certificate, parse(der));
  if (const auto* const attributes = std::get_if<AttributeCertificatePtr>(&certificate)) {
    SEALIFT_CHECK(verify_attribute_certificate(**attributes, roots, time, shown));
  } else {
    SEALIFT_CHECK(verify_key_certificate(std::get<Certificate>(certificate), roots, time, shown));
  }
  return check_subject(certificate, ek_certificate);
}

Result<crypto::Validity> platform_certificate_validity(ByteView der) {
  SEALIFT_TRY(const auto certificate, parse(der));
  if (const auto* const attributes = std::get_if<AttributeCertificatePtr>(&certificate))
    return validity_of(*(*attributes)->info->validity);
  const auto& key = std::get<Certificate>(certificate);
  return crypto::Validity{key.not_before(), key.not_after()};
}

Result<std::string> platform_certificate_issuer(ByteView der, const Certificate& ek_certificate) {
  SEALIFT_TRY(const auto certificate, parse(der));
  SEALIFT_CHECK(check_subject(certificate, ek_certificate));
  if (const auto* const attributes = std::get_if<AttributeCertificatePtr>(&certificate))
    return crypto::issuer_of(*(*attributes)->info);
  return std::get<Certificate>(certificate).issuer();
}

}  // namespace sealift::tee
