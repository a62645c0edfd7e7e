// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509.h"

#include <fmt/core.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <ctime>

#include "crypto/x509_openssl.h"

namespace sealift::crypto {
namespace {

/// What is shown to users comes from strangers: no control characters, no endless texts.
std::string printable(const ASN1_STRING* text) {
  constexpr int kShown = 400;
  std::string out;
  const auto* const data = ASN1_STRING_get0_data(text);
  for (int i = 0; i < std::min(ASN1_STRING_length(text), kShown); ++i) {
    out.push_back(data[i] > 0x20 && data[i] < 0x7f ? static_cast<char>(data[i]) : '?');
  }
  return out;
}

std::string utf8(const ASN1_STRING* text) {
  unsigned char* data = nullptr;
  const int size = ASN1_STRING_to_UTF8(&data, text);
  if (size < 0) {
    openssl_errors();
    return {};
  }
  std::string out(data, data + size);
  OPENSSL_free(data);
  return out;
}

bool readable(const ASN1_TIME* time) {
  std::tm parts{};
  return time != nullptr && ASN1_TIME_to_tm(time, &parts) == 1;
}

std::int64_t seconds(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return timegm(&parts);
}

void append_uris(const GENERAL_NAMES* names, std::vector<std::string>& out) {
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const auto* const name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_URI) out.push_back(printable(name->d.uniformResourceIdentifier));
  }
}

GeneralNamesPtr alt_names(const X509* certificate) {
  GeneralNamesPtr names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  openssl_errors();
  return names;
}

std::string pem_of(int (*write)(BIO*, const X509*), const X509* certificate) {
  const BioPtr out{must(BIO_new(BIO_s_mem()), "BIO")};
  must(write(out.get(), certificate), "PEM");
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

/// One DER certificate at the start of `input`, and how long it is.
Result<std::pair<X509Ptr, std::size_t>> decode_first(ByteView input) {
  if (input.empty()) return fail(ErrorCode::truncated, "the certificate is empty");
  const auto* cursor = input.data();
  const auto limit = std::min(input.size(), kCertificateFileLimit);
  X509Ptr certificate{d2i_X509(nullptr, &cursor, static_cast<long>(limit))};
  if (!certificate)
    return fail(ErrorCode::malformed, "not an X.509 certificate in DER or PEM", {}, openssl_errors());
  const auto size = static_cast<std::size_t>(cursor - input.data());
  if (size > kCertificateLimit) {
    return fail(ErrorCode::too_large,
                fmt::format("a certificate of {} bytes; {} is the limit", size, kCertificateLimit));
  }
  return std::pair{std::move(certificate), size};
}

/// A SEQUENCE of more than 127 bytes. Text in front of a PEM block may begin with "0", too.
bool looks_like_der(ByteView input) { return input.size() > 1 && input[0] == 0x30 && input[1] >= 0x80; }

bool all_equal_to(ByteView bytes, std::uint8_t value) {
  return std::all_of(bytes.begin(), bytes.end(), [value](std::uint8_t byte) { return byte == value; });
}

bool is_erased(ByteView bytes) { return all_equal_to(bytes, 0x00) || all_equal_to(bytes, 0xff); }

struct PemBlock {
  std::string label;
  Bytes data;
};

/// The next PEM block of `in`; an empty label at the end.
Result<PemBlock> next_block(BIO* in) {
  char* label = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  const int found = PEM_read_bio(in, &label, &header, &data, &size);
  if (found != 1) {
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    auto reasons = openssl_errors();
    if (at_end) return PemBlock{};
    return fail(ErrorCode::malformed, "a PEM block that cannot be read", {}, std::move(reasons));
  }
  PemBlock block{label, Bytes(data, data + size)};
  const bool has_header = *header != '\0';
  OPENSSL_free(label);
  OPENSSL_free(header);
  OPENSSL_clear_free(data, static_cast<std::size_t>(size));
  if (has_header) return fail(ErrorCode::malformed, "a PEM block with headers");
  return block;
}

/// The data of the PEM blocks in `input`, all of which must have that label.
Result<std::vector<Bytes>> pem_blocks(ByteView input, std::string_view label, std::size_t limit) {
  if (input.empty()) return fail(ErrorCode::truncated, fmt::format("there is no {}", label));
  const BioPtr in{must(BIO_new_mem_buf(input.data(), static_cast<int>(input.size())), "BIO")};
  std::vector<Bytes> blocks;
  while (true) {
    SEALIFT_TRY(auto block, next_block(in.get()));
    if (block.label.empty()) break;
    if (block.label != label) {
      return fail(ErrorCode::malformed, fmt::format("a PEM block that is not a {}", label));
    }
    if (blocks.size() == limit)
      return fail(ErrorCode::too_large, fmt::format("more than {} PEM blocks", limit));
    blocks.push_back(std::move(block.data));
  }
  if (blocks.empty()) return fail(ErrorCode::malformed, fmt::format("neither DER nor a PEM {}", label));
  return blocks;
}

}  // namespace

std::string text_of(const X509_NAME* name) {
  const BioPtr out{must(BIO_new(BIO_s_mem()), "BIO")};
  // UTF-8 stays readable; everything else that could upset a terminal is escaped.
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string text_of(const ASN1_OBJECT* object) {
  char text[128] = {};
  OBJ_obj2txt(text, sizeof text, object, 1);
  return text;
}

Certificate::Certificate(std::shared_ptr<X509> certificate, Bytes der)
    : certificate_{std::move(certificate)}, der_{std::make_shared<const Bytes>(std::move(der))} {}

Result<Certificate> Certificate::wrap(X509* certificate) {
  auto der = der_of(certificate, i2d_X509);
  must(X509_up_ref(certificate), "X509_up_ref");
  return Certificate{{certificate, X509_free}, std::move(der)};
}

Result<Certificate> Certificate::parse_padded(ByteView nv_contents) {
  SEALIFT_TRY(auto decoded, decode_first(nv_contents));
  auto& [certificate, size] = decoded;
  if (!is_erased(nv_contents.subspan(size))) {
    return fail(ErrorCode::malformed, fmt::format("something else follows the certificate's {} bytes", size));
  }
  if (!readable(X509_get0_notBefore(certificate.get())) || !readable(X509_get0_notAfter(certificate.get()))) {
    return fail(ErrorCode::malformed, "the certificate's validity is not a time", "validity",
                openssl_errors());
  }
  return Certificate{{certificate.release(), X509_free}, to_bytes(nv_contents.first(size))};
}

Result<Certificate> Certificate::parse(ByteView pem_or_der) {
  if (pem_or_der.size() > kCertificateFileLimit)
    return fail(ErrorCode::too_large, "too large for a certificate");
  if (!looks_like_der(pem_or_der)) {
    SEALIFT_TRY(const auto blocks, pem_blocks(pem_or_der, PEM_STRING_X509, 1));
    if (!looks_like_der(blocks[0])) return fail(ErrorCode::malformed, "the PEM block holds no certificate");
    return parse(blocks[0]);
  }
  SEALIFT_TRY(auto certificate, parse_padded(pem_or_der));
  if (certificate.der().size() != pem_or_der.size()) {
    return fail(ErrorCode::malformed, "something follows the certificate");
  }
  return certificate;
}

std::string Certificate::pem() const { return pem_of(PEM_write_bio_X509, get()); }
std::string Certificate::subject() const { return text_of(X509_get_subject_name(get())); }
std::string Certificate::issuer() const { return text_of(X509_get_issuer_name(get())); }

std::string Certificate::serial() const {
  const auto* const serial = X509_get0_serialNumber(get());
  const auto hex =
      to_hex({ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))});
  return (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER ? "-" : "") + hex;
}

std::int64_t Certificate::not_before() const { return seconds(X509_get0_notBefore(get())); }
std::int64_t Certificate::not_after() const { return seconds(X509_get0_notAfter(get())); }

std::vector<std::string> Certificate::issuer_urls() const {
  const AccessInfoPtr info{
      static_cast<AUTHORITY_INFO_ACCESS*>(X509_get_ext_d2i(get(), NID_info_access, nullptr, nullptr))};
  openssl_errors();
  std::vector<std::string> urls;
  for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(info.get()); ++i) {
    const auto* const entry = sk_ACCESS_DESCRIPTION_value(info.get(), i);
    if (OBJ_obj2nid(entry->method) != NID_ad_ca_issuers || entry->location->type != GEN_URI) continue;
    urls.push_back(printable(entry->location->d.uniformResourceIdentifier));
  }
  return urls;
}

std::vector<std::string> Certificate::crl_urls() const {
  const DistributionPointsPtr points{
      static_cast<CRL_DIST_POINTS*>(X509_get_ext_d2i(get(), NID_crl_distribution_points, nullptr, nullptr))};
  openssl_errors();
  std::vector<std::string> urls;
  for (int i = 0; i < sk_DIST_POINT_num(points.get()); ++i) {
    const auto* const name = sk_DIST_POINT_value(points.get(), i)->distpoint;
    if (name != nullptr && name->type == 0) append_uris(name->name.fullname, urls);
  }
  return urls;
}

std::vector<std::string> Certificate::extended_key_usage() const {
  const UsagesPtr usages{
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(get(), NID_ext_key_usage, nullptr, nullptr))};
  openssl_errors();
  std::vector<std::string> oids;
  for (int i = 0; i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    oids.push_back(text_of(sk_ASN1_OBJECT_value(usages.get(), i)));
  }
  return oids;
}

std::vector<NameAttribute> Certificate::directory_alt_names() const {
  const auto names = alt_names(get());
  std::vector<NameAttribute> attributes;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DIRNAME) continue;
    for (int j = 0; j < X509_NAME_entry_count(name->d.directoryName); ++j) {
      const auto* const entry = X509_NAME_get_entry(name->d.directoryName, j);
      attributes.push_back(
          {text_of(X509_NAME_ENTRY_get_object(entry)), utf8(X509_NAME_ENTRY_get_data(entry))});
    }
  }
  return attributes;
}

std::vector<std::string> Certificate::uri_alt_names() const {
  std::vector<std::string> uris;
  append_uris(alt_names(get()).get(), uris);
  return uris;
}

bool Certificate::is_ca() const {
  constexpr std::uint32_t kCa = EXFLAG_BCONS | EXFLAG_CA;
  const bool is = (X509_get_extension_flags(get()) & kCa) == kCa;
  openssl_errors();
  return is;
}

bool Certificate::is_self_issued() const {
  return X509_NAME_cmp(X509_get_subject_name(get()), X509_get_issuer_name(get())) == 0;
}

bool Certificate::may_encrypt() const {
  return (X509_get_key_usage(get()) & (KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT)) != 0;
}

bool Certificate::may_sign() const {
  return (X509_get_key_usage(get()) &
          (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION | KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0;
}

Result<PublicKey> Certificate::public_key() const {
  auto* const info = X509_get_X509_PUBKEY(get());
  ASN1_OBJECT* algorithm = nullptr;
  const unsigned char* bits = nullptr;
  int size = 0;
  must(X509_PUBKEY_get0_param(&algorithm, &bits, &size, nullptr, info), "SubjectPublicKeyInfo");
  if (OBJ_obj2nid(algorithm) == NID_rsaesOaep) {
    // OpenSSL has no such key type: the same key as rsaEncryption has it.
    const PublicKeyInfoPtr rsa{must(X509_PUBKEY_new(), "SubjectPublicKeyInfo")};
    auto* const copy =
        must(static_cast<unsigned char*>(OPENSSL_memdup(bits, static_cast<std::size_t>(size))), "key");
    must(X509_PUBKEY_set0_param(rsa.get(), OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, nullptr, copy, size),
         "key");
    auto key = PublicKey::parse(der_of(rsa.get(), i2d_X509_PUBKEY));
    if (key) return key;
    return fail(ErrorCode::key_unsupported, "not an RSA key under id-RSAES-OAEP", "publicKey",
                key.error().detail);
  }
  auto* const key = X509_get0_pubkey(get());
  char group[80] = {};
  // A curve without a name (explicit parameters) is whatever its author wants it to be.
  if (key == nullptr ||
      (EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) != 1)) {
    return fail(ErrorCode::key_unsupported,
                fmt::format("a public key of an unsupported kind ({})", text_of(algorithm)), "publicKey",
                openssl_errors());
  }
  return wrap_public(key);
}

Result<std::vector<Certificate>> parse_certificates(ByteView pem_or_der) {
  constexpr std::size_t kLimit = 1000;
  if (pem_or_der.size() > kCertificateFileLimit)
    return fail(ErrorCode::too_large, "too large for certificates");
  std::vector<Certificate> certificates;
  if (!looks_like_der(pem_or_der)) {
    SEALIFT_TRY(const auto blocks, pem_blocks(pem_or_der, PEM_STRING_X509, kLimit));
    for (const auto& block : blocks) {
      if (!looks_like_der(block)) return fail(ErrorCode::malformed, "a PEM block that holds no certificate");
      SEALIFT_TRY(auto certificate, Certificate::parse(block));
      certificates.push_back(std::move(certificate));
    }
    return certificates;
  }
  for (auto rest = pem_or_der; !rest.empty() && (certificates.empty() || !is_erased(rest));) {
    if (certificates.size() == kLimit) return fail(ErrorCode::too_large, "more than 1000 certificates");
    SEALIFT_TRY(const auto decoded, decode_first(rest));
    SEALIFT_TRY(auto certificate, Certificate::parse(rest.first(decoded.second)));
    certificates.push_back(std::move(certificate));
    rest = rest.subspan(decoded.second);
  }
  return certificates;
}

Result<Crl> Crl::wrap(X509_CRL* crl) {
  must(X509_CRL_up_ref(crl), "X509_CRL_up_ref");
  return Crl{{crl, X509_CRL_free}};
}

Result<Crl> Crl::parse(ByteView pem_or_der) {
  if (pem_or_der.size() > kCrlLimit) return fail(ErrorCode::too_large, "too large for a revocation list");
  if (!looks_like_der(pem_or_der)) {
    SEALIFT_TRY(const auto blocks, pem_blocks(pem_or_der, PEM_STRING_X509_CRL, 1));
    if (!looks_like_der(blocks[0]))
      return fail(ErrorCode::malformed, "the PEM block holds no revocation list");
    return parse(blocks[0]);
  }
  const auto* cursor = pem_or_der.data();
  const X509CrlPtr crl{d2i_X509_CRL(nullptr, &cursor, static_cast<long>(pem_or_der.size()))};
  if (!crl) return fail(ErrorCode::malformed, "not a revocation list in DER or PEM", {}, openssl_errors());
  if (cursor != pem_or_der.data() + pem_or_der.size()) {
    return fail(ErrorCode::malformed, "something follows the revocation list");
  }
  const auto* const next = X509_CRL_get0_nextUpdate(crl.get());
  if (!readable(X509_CRL_get0_lastUpdate(crl.get())) || (next != nullptr && !readable(next))) {
    return fail(ErrorCode::malformed, "the revocation list's dates are not times", "thisUpdate",
                openssl_errors());
  }
  return wrap(crl.get());
}

std::string Crl::issuer() const { return text_of(X509_CRL_get_issuer(get())); }
std::int64_t Crl::this_update() const { return seconds(X509_CRL_get0_lastUpdate(get())); }
std::int64_t Crl::next_update() const { return seconds(X509_CRL_get0_nextUpdate(get())); }
Bytes Crl::der() const { return der_of(get(), i2d_X509_CRL); }

std::string Crl::pem() const {
  const BioPtr out{must(BIO_new(BIO_s_mem()), "BIO")};
  must(PEM_write_bio_X509_CRL(out.get(), get()), "PEM");
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::int64_t unix_seconds(TimePoint time) noexcept {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string utc_text(std::int64_t unix_seconds) {
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace sealift::crypto
