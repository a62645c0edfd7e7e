// SPDX-License-Identifier: Apache-2.0
/// Is this TPM genuine? (Design section 6, enrolment, first half.)
#pragma once

#include <string>
#include <vector>

#include "crypto/x509_verify.h"
#include "tpm/types.h"

namespace sealift::tee {

using crypto::Digest;
using crypto::TrustedRoots;

/// tcg-kp-EKCertificate: the extended key usage that makes a certificate an EK certificate.
inline constexpr std::string_view kEkCertificateUsage = "2.23.133.8.1";

/// What a host shows to prove that its TPM is genuine. All of it is hostile input.
struct PlatformEvidence {
  /// PEM, or DER as in the TPM's NV, possibly padded: the EK's own first, then intermediates, which are not
  /// trusted by themselves.
  std::vector<Bytes> ek_certificates;
  tpm::Public endorsement_key;
  /// DER, either form of platform_certificate.h; empty where the host has none.
  Bytes platform_certificate = {};
};

/// Who made the TPM, as its certificate says (TCG EK Credential Profile 3.1.2). "" where it does not say.
struct TpmIdentity {
  std::string manufacturer;  ///< "id:49465800"
  std::string model;
  std::string version;
  bool operator==(const TpmIdentity&) const = default;
};

/// A TPM whose endorsement key is vouched for by a root that the caller trusts. Only verify() can make one,
/// so holding it is the proof of these checks:
/// - the certificate's chain ends in one of the roots (crypto/x509_verify.h has the codes);
/// - it is an EK certificate and nothing else: usage 2.23.133.8.1, no CA, no signing key
/// (certificate_usage_refused);
/// - the EK shown is the certificate's key (ek_key_differs);
/// - the EK is made from a TCG template, which no other kind of key can be (ek_template_differs, naming the
/// first
///   differing field, attributes bit by bit);
/// - a platform certificate, where shown, is issued by a trusted CA for this EK certificate
///   (platform_certificate_malformed, platform_certificate_differs, or the chain's codes).
///
/// Not proven here: that whoever shows all this can use the EK. That is the challenge (tee/challenge.h).
class VerifiedPlatform {
 public:
  static Result<VerifiedPlatform> verify(const PlatformEvidence& evidence, const TrustedRoots& roots,
                                         TimePoint time);

  const tpm::Public& ek() const noexcept { return ek_; }
  const crypto::Certificate& ek_certificate() const noexcept { return ek_certificate_; }
  /// The machine's stable name: SHA-256 of the EK's SubjectPublicKeyInfo (DER, under rsaEncryption or
  /// id-ecPublicKey whatever the certificate writes).
  const Digest& hardware_key_hash() const noexcept { return hardware_key_hash_; }
  const TpmIdentity& identity() const noexcept { return identity_; }
  /// The first second at which the same evidence and roots may give something else, because a certificate or
  /// a list of theirs begins or ends then.
  std::int64_t holds_until() const noexcept { return holds_until_; }
  /// The root at the end of the chain.
  const std::string& root() const noexcept { return root_; }
  bool has_platform_certificate() const noexcept { return !platform_certificate_.empty(); }
  /// DER; empty where the host has none.
  const Bytes& platform_certificate() const noexcept { return platform_certificate_; }

 private:
  VerifiedPlatform(tpm::Public ek, crypto::Certificate certificate, Digest hardware_key_hash)
      : ek_{std::move(ek)}, ek_certificate_{std::move(certificate)}, hardware_key_hash_{hardware_key_hash} {}
  tpm::Public ek_;
  crypto::Certificate ek_certificate_;
  Digest hardware_key_hash_;
  TpmIdentity identity_;
  std::string root_;
  Bytes platform_certificate_;
  std::int64_t holds_until_ = 0;
};

/// The hash that names a machine.
Digest hardware_key_hash(const crypto::PublicKey& ek);

}  // namespace sealift::tee
