// SPDX-License-Identifier: Apache-2.0
/// AMD's signing certificates: ARK, AMD's root, and ASK, which it signs (AMD 55766, appendix B.1).
///
///   0x00 version = 1    0x04 key ID[16]    0x14 certifying key's ID[16]    0x24 usage    0x28 16 reserved
///   0x38 exponent's bits    0x3C modulus' bits    0x40 exponent, modulus, signature
///
/// Little-endian, 832 bytes (RSA-2048: Naples) or 1600 (RSA-4096: Rome and later). The signature covers all
/// before it: RSA-PSS, with SHA-256 and a salt of 32 bytes under RSA-2048, SHA-384 and 48 under RSA-4096.
#pragma once

#include <array>

#include "tee/sev/certificate.h"

namespace sealift::sev {

inline constexpr std::size_t kAmdCertificateLimit = 1600;
using KeyId = std::array<std::uint8_t, 16>;

/// Parsed, its key usable. A key ID is a name, not a proof: whose key it is says its fingerprint.
class AmdCertificate {
 public:
  /// The ARK or ASK (`usage`) in `bytes`: that certificate alone, or AMD's `ask_ark_*.cert`, which is the ASK
  /// and then the ARK. truncated, sev_certificate_malformed, unsupported at "ark.size", "ark.version",
  /// "ark.key", "ark.signature" (the 576 bytes that AMD once published for Naples);
  /// sev_certificate_usage_differs at "ark.usage".
  static Result<AmdCertificate> parse(ByteView bytes, Usage usage);
  /// `key` of 2048 or 4096 bits, signed by `signer`, which is its own for an ARK.
  static Result<AmdCertificate> issue(Usage usage, const KeyId& id, const KeyId& certifying_id,
                                      const crypto::PublicKey& key, const crypto::PrivateKey& signer);

  Usage usage() const noexcept { return usage_; }
  const KeyId& id() const noexcept { return id_; }
  const KeyId& certifying_id() const noexcept { return certifying_id_; }
  const crypto::PublicKey& key() const noexcept { return key_; }
  const Bytes& bytes() const noexcept { return bytes_; }
  /// SHA-256 of the key's SubjectPublicKeyInfo (DER): the same as of AMD's X.509 certificate for this key.
  crypto::Digest fingerprint() const;

  /// certificate_signature_invalid at "ark.signature".
  Status verify_signature(const crypto::PublicKey& signer) const;

 private:
  AmdCertificate(ByteView bytes, Usage usage, crypto::PublicKey key);
  static Result<AmdCertificate> parse_alone(ByteView bytes, Usage expected);

  Bytes bytes_;
  Usage usage_;
  KeyId id_{};
  KeyId certifying_id_{};
  crypto::PublicKey key_;
};

/// "ark", "ask", "cek": how errors' fields name it.
std::string_view field_name(Usage usage) noexcept;

}  // namespace sealift::sev
