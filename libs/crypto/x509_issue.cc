// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509_issue.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "crypto/x509_draft.h"

namespace sealift::crypto {
namespace {

Result<X509NamePtr> subject_of(const CertificateDraft& draft) {
  if (draft.subject_der.empty()) return make_name(draft.subject);
  const auto* cursor = draft.subject_der.data();
  X509NamePtr name{d2i_X509_NAME(nullptr, &cursor, static_cast<long>(draft.subject_der.size()))};
  if (!name) return refuse_draft("the subject is not a Name in DER", "subject");
  return name;
}

Status set_time(ASN1_TIME* field, std::int64_t seconds) {
  if (ASN1_TIME_set(field, static_cast<std::time_t>(seconds)) != nullptr) return {};
  return refuse_draft("the validity is not between the years 0 and 9999", "validity");
}

Status set_public_key(X509* certificate, const CertificateDraft& draft) {
  const auto* cursor = draft.public_key_info.data();
  const PublicKeyInfoPtr info{
      d2i_X509_PUBKEY(nullptr, &cursor, static_cast<long>(draft.public_key_info.size()))};
  auto* const key = info ? X509_PUBKEY_get0(info.get()) : nullptr;
  if (key == nullptr || X509_set_pubkey(certificate, key) != 1)
    return refuse_draft("not a public key", "publicKey");
  if (!draft.oaep_key) return {};
  const unsigned char* bits = nullptr;
  int size = 0;
  must(X509_PUBKEY_get0_param(nullptr, &bits, &size, nullptr, info.get()), "SubjectPublicKeyInfo");
  auto* const copy =
      must(static_cast<unsigned char*>(OPENSSL_memdup(bits, static_cast<std::size_t>(size))), "key");
  must(X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(certificate), OBJ_nid2obj(NID_rsaesOaep), V_ASN1_UNDEF,
                              nullptr, copy, size),
       "SubjectPublicKeyInfo");
  return {};
}

Status add_extension(X509* certificate, X509V3_CTX* context, const std::string& name,
                     const std::string& value) {
  const X509ExtensionPtr extension{X509V3_EXT_nconf(nullptr, context, name.c_str(), value.c_str())};
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return refuse_draft(fmt::format("OpenSSL does not take the extension {} = {}", name, value), name);
  }
  return {};
}

Status check_urls(const IssuerUrls& urls) {
  const auto bad = [](const std::string& url) {
    return url.empty() ||
           std::any_of(url.begin(), url.end(), [](char c) { return c <= ' ' || c > '~' || c == ','; });
  };
  if (std::any_of(urls.certificate.begin(), urls.certificate.end(), bad) ||
      std::any_of(urls.crl.begin(), urls.crl.end(), bad)) {
    return refuse_draft("a URL is empty or has a comma, a space or a control character", "url");
  }
  return {};
}

std::string joined(const std::vector<std::string>& urls, std::string_view prefix) {
  std::string out;
  for (const auto& url : urls) out += fmt::format("{}{}{}", out.empty() ? "" : ",", prefix, url);
  return out;
}

void append_urls(const IssuerUrls& urls, CertificateDraft& draft) {
  if (!urls.certificate.empty()) {
    draft.extensions.emplace_back("authorityInfoAccess", joined(urls.certificate, "caIssuers;URI:"));
  }
  if (!urls.crl.empty()) draft.extensions.emplace_back("crlDistributionPoints", joined(urls.crl, "URI:"));
}

CertificateDraft ca_draft(const std::string& common_name, Validity validity, int path_length,
                          const PublicKey& key) {
  CertificateDraft draft;
  draft.subject = {{"CN", common_name}};
  draft.validity = validity;
  draft.extensions = {{"basicConstraints", fmt::format("critical,CA:TRUE,pathlen:{}", path_length)},
                      {"keyUsage", "critical,keyCertSign,cRLSign"},
                      {"subjectKeyIdentifier", "hash"}};
  draft.public_key_info = key.der();
  return draft;
}

}  // namespace

Result<Certificate> sign_certificate(const CertificateDraft& draft, const Certificate* issuer,
                                     const PrivateKey& key) {
  const X509Ptr certificate{must(X509_new(), "X509")};
  must(X509_set_version(certificate.get(), X509_VERSION_3), "version");
  const auto serial = integer(draft.serial.empty() ? random_serial() : draft.serial);
  must(X509_set_serialNumber(certificate.get(), serial.get()), "serial");
  SEALIFT_TRY(const auto subject, subject_of(draft));
  must(X509_set_subject_name(certificate.get(), subject.get()), "subject");
  must(X509_set_issuer_name(certificate.get(),
                            issuer == nullptr ? subject.get() : X509_get_subject_name(issuer->get())),
       "issuer");
  SEALIFT_CHECK(set_time(X509_getm_notBefore(certificate.get()), draft.validity.not_before));
  SEALIFT_CHECK(set_time(X509_getm_notAfter(certificate.get()), draft.validity.not_after));
  SEALIFT_CHECK(set_public_key(certificate.get(), draft));
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer == nullptr ? certificate.get() : issuer->get(), certificate.get(), nullptr,
                 nullptr, 0);
  for (const auto& [name, value] : draft.extensions) {
    SEALIFT_CHECK(add_extension(certificate.get(), &context, name, value));
  }
  if (X509_sign(certificate.get(), key.get(), EVP_get_digestbyname(draft.hash)) <= 0) {
    return refuse_draft(fmt::format("the key cannot sign with {}", draft.hash), "hash");
  }
  return Certificate::parse(der_of(certificate.get(), i2d_X509));
}

CertificateAuthority::CertificateAuthority(PrivateKey key, Certificate certificate, IssuerUrls urls)
    : key_{std::move(key)}, certificate_{std::move(certificate)}, urls_{std::move(urls)} {}

Result<CertificateAuthority> CertificateAuthority::load(PrivateKey key, Certificate certificate,
                                                        IssuerUrls urls) {
  SEALIFT_CHECK(check_urls(urls));
  if (!certificate.is_ca()) return refuse_draft("the certificate is not a CA's", "certificate");
  SEALIFT_TRY(const auto certified, certificate.public_key());
  if (!(certified == key.public_key())) return refuse_draft("the key is not the certificate's", "key");
  return CertificateAuthority{std::move(key), std::move(certificate), std::move(urls)};
}

Result<CertificateAuthority> CertificateAuthority::create_root(PrivateKey key, const std::string& common_name,
                                                               Validity validity, int path_length,
                                                               IssuerUrls urls) {
  const auto draft = ca_draft(common_name, validity, path_length, key.public_key());
  SEALIFT_TRY(auto certificate, sign_certificate(draft, nullptr, key));
  return load(std::move(key), std::move(certificate), std::move(urls));
}

Result<CertificateAuthority> CertificateAuthority::create_intermediate(PrivateKey key,
                                                                       const std::string& common_name,
                                                                       Validity validity, int path_length,
                                                                       IssuerUrls urls) const {
  auto draft = ca_draft(common_name, validity, path_length, key.public_key());
  draft.extensions.emplace_back("authorityKeyIdentifier", "keyid");
  append_urls(urls_, draft);
  SEALIFT_TRY(auto certificate, sign(draft));
  return load(std::move(key), std::move(certificate), std::move(urls));
}

Result<CertificateDraft> CertificateAuthority::ek_draft(const PublicKey& ek,
                                                        const EkCertificateOptions& options) const {
  SEALIFT_TRY(auto alt_name, directory_alt_name({{"2.23.133.2.1", options.tpm_manufacturer},
                                                 {"2.23.133.2.2", options.tpm_model},
                                                 {"2.23.133.2.3", options.tpm_version}}));
  CertificateDraft draft;
  draft.serial = options.serial;
  draft.validity = options.validity;
  draft.extensions = {
      {"keyUsage", ek.type() == KeyType::rsa ? "critical,keyEncipherment" : "critical,keyAgreement"},
      {"basicConstraints", "critical,CA:FALSE"},
      {"extendedKeyUsage", "2.23.133.8.1"},
      {"subjectAltName", "critical," + alt_name},
      {"authorityKeyIdentifier", "keyid"}};
  append_urls(urls_, draft);
  draft.public_key_info = ek.der();
  return draft;
}

Result<Certificate> CertificateAuthority::sign(const CertificateDraft& draft) const {
  return sign_certificate(draft, &certificate_, key_);
}

Result<Certificate> CertificateAuthority::issue_ek_certificate(const PublicKey& ek,
                                                               const EkCertificateOptions& options) const {
  SEALIFT_TRY(const auto draft, ek_draft(ek, options));
  return sign(draft);
}

Result<Crl> CertificateAuthority::issue_crl(const std::vector<Certificate>& revoked, Validity validity,
                                            std::uint32_t number) const {
  const X509CrlPtr crl{must(X509_CRL_new(), "X509_CRL")};
  must(X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2), "version");
  must(X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(certificate_.get())), "issuer");
  const Asn1TimePtr from{ASN1_TIME_set(nullptr, static_cast<std::time_t>(validity.not_before))};
  const Asn1TimePtr until{ASN1_TIME_set(nullptr, static_cast<std::time_t>(validity.not_after))};
  if (!from || !until) return refuse_draft("the validity is not between the years 0 and 9999", "validity");
  must(X509_CRL_set1_lastUpdate(crl.get(), from.get()), "thisUpdate");
  must(X509_CRL_set1_nextUpdate(crl.get(), until.get()), "nextUpdate");
  for (const auto& certificate : revoked) {
    auto* const entry = must(X509_REVOKED_new(), "X509_REVOKED");
    must(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.get())), "serial");
    must(X509_REVOKED_set_revocationDate(entry, from.get()), "revocationDate");
    must(X509_CRL_add0_revoked(crl.get(), entry), "X509_CRL");
  }
  const auto count = integer(ByteWriter{}.be32(number).view());
  must(X509_CRL_add1_ext_i2d(crl.get(), NID_crl_number, count.get(), 0, 0), "crlNumber");
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate_.get(), nullptr, nullptr, crl.get(), 0);
  const X509ExtensionPtr keyid{X509V3_EXT_nconf(nullptr, &context, "authorityKeyIdentifier", "keyid:always")};
  if (!keyid) return refuse_draft("the CA's certificate has no key identifier", "authorityKeyIdentifier");
  must(X509_CRL_add_ext(crl.get(), keyid.get(), -1), "authorityKeyIdentifier");
  must(X509_CRL_sort(crl.get()), "X509_CRL");
  if (X509_CRL_sign(crl.get(), key_.get(), EVP_sha256()) <= 0)
    return refuse_draft("the key cannot sign", "key");
  return Crl::parse(der_of(crl.get(), i2d_X509_CRL));
}

}  // namespace sealift::crypto
