// SPDX-License-Identifier: Apache-2.0
#include "tee/platform_certificate.h"

#include <fmt/core.h>
#include <openssl/err.h>

#include <algorithm>
#include <ctime>

#include "tee/attribute_certificate.h"

namespace sealift::tee {
namespace {

using crypto::Certificate;

constexpr const char* kField = "platform_certificate";

tl::unexpected<Error> refuse(ErrorCode code, std::string_view what) {
  ERR_clear_error();
  return fail(code, fmt::format("the platform certificate {}", what), kField);
}

/// The one directory name in `names`; nullptr where there is not exactly that.
const X509_NAME* only_directory_name(const GENERAL_NAMES* names) {
  if (sk_GENERAL_NAME_num(names) != 1) return nullptr;
  const auto* const name = sk_GENERAL_NAME_value(names, 0);
  return name->type == GEN_DIRNAME ? name->d.directoryName : nullptr;
}

Status check_holder(const AttributeInfo& info, const Certificate& ek_certificate) {
  const auto* const base = info.holder->base_certificate;
  const auto* const issuer = base == nullptr ? nullptr : only_directory_name(base->issuer);
  if (issuer != nullptr && X509_NAME_cmp(issuer, X509_get_issuer_name(ek_certificate.get())) == 0 &&
      ASN1_INTEGER_cmp(base->serial, X509_get0_serialNumber(ek_certificate.get())) == 0) {
    return {};
  }
  return refuse(ErrorCode::platform_certificate_differs, "is for another EK certificate");
}

Status check_validity(const AttributeValidity& validity, TimePoint time) {
  const auto seconds = [](const ASN1_TIME* when) -> Result<std::int64_t> {
    std::tm parts{};
    if (ASN1_TIME_to_tm(when, &parts) != 1) {
      return refuse(ErrorCode::platform_certificate_malformed, "has a validity that is not a time");
    }
    return timegm(&parts);
  };
  SEALIFT_TRY(const auto from, seconds(validity.not_before));
  SEALIFT_TRY(const auto until, seconds(validity.not_after));
  const auto now = crypto::unix_seconds(time);
  if (now < from) {
    return refuse(ErrorCode::certificate_not_yet_valid, "is not valid before " + crypto::utc_text(from));
  }
  if (now > until) return refuse(ErrorCode::certificate_expired, "expired at " + crypto::utc_text(until));
  return {};
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

/// The issuer's certificate among those that the customer gave.
Result<Certificate> find_issuer(const AttributeInfo& info, const crypto::TrustInput& input) {
  const auto* const name = only_directory_name(info.issuer->name);
  if (name == nullptr) return refuse(ErrorCode::platform_certificate_malformed, "does not name one issuer");
  for (const auto* const certificates : {&input.roots, &input.intermediates}) {
    const auto found = std::ranges::find_if(*certificates, [name](const Certificate& each) {
      return X509_NAME_cmp(X509_get_subject_name(each.get()), name) == 0;
    });
    if (found != certificates->end()) return *found;
  }
  char text[256] = {};
  X509_NAME_oneline(name, text, sizeof text);
  return refuse(ErrorCode::issuer_missing,
                fmt::format("is issued by {}, whose certificate is not given", text));
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

}  // namespace

Status verify_platform_certificate(ByteView der, const Certificate& ek_certificate,
                                   const crypto::TrustedRoots& roots, TimePoint time) {
  const auto certificate =
      der.size() <= crypto::kCertificateLimit ? parse_attribute_certificate(der) : AttributeCertificatePtr{};
  if (!certificate || ASN1_INTEGER_get(certificate->info->version) != 1) {
    return refuse(ErrorCode::platform_certificate_malformed,
                  "is not a version 2 attribute certificate in DER");
  }
  const auto& info = *certificate->info;
  SEALIFT_TRY(const auto issuer, find_issuer(info, roots.input()));
  SEALIFT_CHECK(crypto::verify_chain(issuer, roots, time));
  if (!issuer.may_sign())
    return refuse(ErrorCode::certificate_usage_refused, "has an issuer that may not sign");
  SEALIFT_CHECK(check_algorithm(*certificate));
  SEALIFT_TRY(const auto key, issuer.public_key());
  if (ASN1_item_verify(attribute_info_item(), certificate->signature_algorithm, certificate->signature,
                       certificate->info, key.get()) != 1) {
    return refuse(ErrorCode::certificate_signature_invalid, "was altered or is not its issuer's");
  }
  SEALIFT_CHECK(check_validity(*info.validity, time));
  SEALIFT_CHECK(check_extensions(info));
  SEALIFT_CHECK(check_revocation(info, issuer, roots.input(), key.get()));
  return check_holder(info, ek_certificate);
}

}  // namespace sealift::tee
