// SPDX-License-Identifier: Apache-2.0
/// Issuing certificates: a certification authority for emulated machines, and for tests.
///
/// CertificateDraft is the raw form, which can also say what no honest issuer would; CertificateAuthority
/// makes what TPM vendors make (TCG EK Credential Profile for TPM Family 2.0, v2.5, section 3).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/x509.h"

namespace sealift::crypto {

struct CertificateDraft {
  std::vector<NameAttribute> subject;  ///< type is a dotted OID or a short name ("CN"); one RDN each
  Bytes subject_der;                   ///< instead of `subject` where not empty: the DER of a Name
  Bytes serial;                        ///< big-endian; 16 random bytes where empty
  Validity validity;
  /// {name or OID, value as openssl's x509v3_config(5) has it: "critical,CA:TRUE", "critical,DER:0500"}, in
  /// order.
  std::vector<std::pair<std::string, std::string>> extensions;
  Bytes public_key_info;        ///< SubjectPublicKeyInfo, DER
  bool oaep_key = false;        ///< write the RSA key under id-RSAES-OAEP instead of rsaEncryption
  const char* hash = "SHA256";  ///< of the signature
};

/// Signs `draft`. `issuer` is nullptr for a self-signed certificate. invalid_argument where OpenSSL does not
/// take an extension, a name or a key.
Result<Certificate> sign_certificate(const CertificateDraft& draft, const Certificate* issuer,
                                     const PrivateKey& key);

/// Where a CA says that its certificate and revocation list are. URLs only, no comma or control character.
struct IssuerUrls {
  std::vector<std::string> certificate;
  std::vector<std::string> crl;
};

/// What an EK certificate says about its TPM (TCG EK Credential Profile 3.1.2).
struct EkCertificateOptions {
  std::string tpm_manufacturer =
      "id:53454C46";                        ///< 2.23.133.2.1: "id:" and the vendor's four characters in hex
  std::string tpm_model = "emulated";       ///< 2.23.133.2.2
  std::string tpm_version = "id:00010000";  ///< 2.23.133.2.3
  Bytes serial;                             ///< 16 random bytes where empty
  Validity validity;
};

/// An X.509 v2 attribute certificate (RFC 5755): raw, as CertificateDraft is.
struct AttributeCertificateDraft {
  Bytes serial;  ///< 16 random bytes where empty
  Validity validity;
  /// {type as a dotted OID, its one value: a SEQUENCE in DER}
  std::vector<std::pair<std::string, Bytes>> attributes;
  std::vector<std::pair<std::string, std::string>> extensions;  ///< as in CertificateDraft
  const char* hash = "SHA256";
};

/// What a platform certificate says about its machine (TCG Platform Certificate Profile v1.1, 3.2).
struct PlatformCertificateOptions {
  std::string manufacturer = "Sealift";  ///< 2.23.133.5.1.1
  std::string model = "emulated";        ///< 2.23.133.5.1.4
  std::string version = "1";             ///< 2.23.133.5.1.5
  Validity validity;
};

class CertificateAuthority {
 public:
  /// A self-signed root. `path_length` is how many CAs may follow below it.
  static Result<CertificateAuthority> create_root(PrivateKey key, const std::string& common_name,
                                                  Validity validity, int path_length = 1,
                                                  IssuerUrls urls = {});
  /// From what was kept. invalid_argument where the key is not the certificate's, or that is no CA's.
  static Result<CertificateAuthority> load(PrivateKey key, Certificate certificate, IssuerUrls urls = {});
  /// A CA below this one; `urls` are what the new one's own certificates will name.
  Result<CertificateAuthority> create_intermediate(PrivateKey key, const std::string& common_name,
                                                   Validity validity, int path_length = 0,
                                                   IssuerUrls urls = {}) const;
  /// For an RSA key keyEncipherment, for an EC key keyAgreement; EKU tcg-kp-EKCertificate; empty subject and
  /// critical subjectAltName.
  Result<Certificate> issue_ek_certificate(const PublicKey& ek,
                                           const EkCertificateOptions& options = {}) const;
  /// The draft behind that, for who wants to change something.
  Result<CertificateDraft> ek_draft(const PublicKey& ek, const EkCertificateOptions& options = {}) const;
  Result<Certificate> sign(const CertificateDraft& draft) const;
  /// A platform certificate, DER: an attribute certificate whose holder is this EK certificate, by issuer and
  /// serial.
  Result<Bytes> issue_platform_certificate(const Certificate& ek_certificate,
                                           const PlatformCertificateOptions& options = {}) const;
  /// The draft behind that.
  static Result<AttributeCertificateDraft> platform_draft(const PlatformCertificateOptions& options = {});
  Result<Bytes> sign(const AttributeCertificateDraft& draft, const Certificate& holder) const;
  /// A version 2 list of all revoked serials. `validity` is thisUpdate and nextUpdate.
  Result<Crl> issue_crl(const std::vector<Certificate>& revoked, Validity validity,
                        std::uint32_t number = 1) const;

  const Certificate& certificate() const noexcept { return certificate_; }
  const PrivateKey& key() const noexcept { return key_; }

 private:
  CertificateAuthority(PrivateKey key, Certificate certificate, IssuerUrls urls);
  PrivateKey key_;
  Certificate certificate_;
  IssuerUrls urls_;
};

}  // namespace sealift::crypto
