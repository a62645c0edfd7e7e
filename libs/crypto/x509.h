// SPDX-License-Identifier: Apache-2.0
/// X.509 certificates and revocation lists (RFC 5280), by OpenSSL 3.
///
/// Input is hostile: sizes are bounded, and what is parsed is only *well-formed*. Whether to believe it is
/// decided by crypto/x509_verify.h. Signatures are checked over the bytes as they came, so the BER that some
/// TPM vendors issue (explicit defaults, unsorted SETs, loose bit strings) verifies as its issuer signed it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/key.h"

struct x509_st;      // OpenSSL's X509
struct X509_crl_st;  // OpenSSL's X509_CRL

namespace sealift::crypto {

inline constexpr std::size_t kCertificateLimit = std::size_t{16} * 1024;
inline constexpr std::size_t kCrlLimit = std::size_t{16} * 1024 * 1024;
/// Of a file of several certificates.
inline constexpr std::size_t kCertificateFileLimit = std::size_t{4} * 1024 * 1024;

/// One attribute of a name: {"2.23.133.2.1", "id:49465800"}. The type is a dotted OID.
struct NameAttribute {
  std::string type;
  std::string value;  ///< UTF-8
  bool operator==(const NameAttribute&) const = default;
};

/// Seconds since 1970.
struct Validity {
  std::int64_t not_before = 0;
  std::int64_t not_after = kNoEnd;
  /// 99991231235959Z, RFC 5280 4.1.2.5: no well-defined end.
  static constexpr std::int64_t kNoEnd = 253402300799;
};

/// One well-formed certificate. Cheap to copy; immutable.
class Certificate {
 public:
  /// One certificate, PEM or DER, nothing behind it. malformed, truncated or too_large otherwise.
  static Result<Certificate> parse(ByteView pem_or_der);
  /// The same for what a TPM's NV index holds: DER, then nothing, or only zeros, or only 0xff up to the end.
  /// Vendors define the index larger than the certificate and leave the rest as it was erased.
  static Result<Certificate> parse_padded(ByteView nv_contents);

  const Bytes& der() const noexcept { return *der_; }
  std::string pem() const;

  /// RFC 2253 text: "CN=Example TPM CA,O=Example". "" where the name is empty, as in most EK certificates.
  std::string subject() const;
  std::string issuer() const;
  /// Lower-case hexadecimal, "-" in front of a negative one.
  std::string serial() const;
  /// Seconds since 1970. Beyond what TimePoint can hold (99991231235959Z is "no end").
  std::int64_t not_before() const;
  std::int64_t not_after() const;
  /// Where the issuer's certificate can be fetched (Authority Information Access, caIssuers), URIs only.
  std::vector<std::string> issuer_urls() const;
  /// Where the issuer's revocation list can be fetched (CRL distribution points), URIs only.
  std::vector<std::string> crl_urls() const;
  /// Dotted OIDs; empty where the extension is absent.
  std::vector<std::string> extended_key_usage() const;
  /// Attributes of the directory names in subjectAltName, in order: an EK certificate names its TPM there.
  std::vector<NameAttribute> directory_alt_names() const;
  /// URIs in subjectAltName.
  std::vector<std::string> uri_alt_names() const;
  /// basicConstraints with cA TRUE.
  bool is_ca() const;
  bool is_self_issued() const;
  /// keyUsage has keyEncipherment or keyAgreement; also where the extension is absent.
  bool may_encrypt() const;
  /// keyUsage has digitalSignature, nonRepudiation, keyCertSign or cRLSign; also where the extension is
  /// absent.
  bool may_sign() const;
  /// Also under the algorithm id-RSAES-OAEP (1.2.840.113549.1.1.7), which some vendors put into EK
  /// certificates (TCG EK Credential Profile 3.1.5 allows it). key_unsupported for what crypto/key.h does not
  /// know.
  Result<PublicKey> public_key() const;
  bool operator==(const Certificate& other) const noexcept { return same_bytes(der(), other.der()); }

  x509_st* get() const noexcept { return certificate_.get(); }
  /// Takes one reference of OpenSSL's own certificate.
  static Result<Certificate> wrap(x509_st* certificate);

 private:
  Certificate(std::shared_ptr<x509_st> certificate, Bytes der);
  std::shared_ptr<x509_st> certificate_;
  std::shared_ptr<const Bytes> der_;
};

/// Certificates of a PEM file (other PEM blocks are refused, text between blocks is not), or DER certificates
/// one after the other, as a TPM's NV holds intermediates. At least one, at most 1000.
Result<std::vector<Certificate>> parse_certificates(ByteView pem_or_der);

/// One well-formed certificate revocation list.
class Crl {
 public:
  static Result<Crl> parse(ByteView pem_or_der);
  std::string issuer() const;
  std::int64_t this_update() const;
  /// 0 where the list names none; x509_verify.h refuses such a list.
  std::int64_t next_update() const;
  Bytes der() const;
  std::string pem() const;

  X509_crl_st* get() const noexcept { return crl_.get(); }
  static Result<Crl> wrap(X509_crl_st* crl);

 private:
  explicit Crl(std::shared_ptr<X509_crl_st> crl) : crl_{std::move(crl)} {}
  std::shared_ptr<X509_crl_st> crl_;
};

/// Seconds since 1970, rounded down.
std::int64_t unix_seconds(TimePoint time) noexcept;
/// "2026-11-23T14:40:00Z".
std::string utc_text(std::int64_t unix_seconds);

}  // namespace sealift::crypto
