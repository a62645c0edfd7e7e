// SPDX-License-Identifier: Apache-2.0
/// The PSP's own certificates: PDH, PEK, OCA, CEK (AMD 55766, appendix C).
///
/// 2084 bytes, little-endian (C.1):
///
///   0x000 version = 1      0x004 API major, minor, 2 reserved     0x008 usage   0x00C algorithm
///   0x010 public key, 1028 bytes (C.3)
///   0x414 signer's usage, algorithm, signature of 512 bytes (C.4); 0x61C the same once more
///
/// Both signatures cover bytes 0 to 0x413. Reserved bytes are not looked at: those before 0x414 are signed,
/// and nothing reads the others. These certificates carry no dates: they hold until the chip or its owner
/// makes new keys.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/key.h"

namespace sealift::sev {

inline constexpr std::size_t kCertificateSize = 2084;
inline constexpr std::size_t kSignatureSlots = 2;

/// Whose key it is (55766, C.1, USAGE).
enum class Usage : std::uint32_t {
  ark = 0,
  ask = 0x13,
  none = 0x1000,  ///< an empty signature slot
  oca = 0x1001,
  pek = 0x1002,
  pdh = 0x1003,
  cek = 0x1004,
};
/// "PEK", or "usage 0x1234".
std::string name(Usage usage);

/// 55766, C.1, ALGO.
enum class Algorithm : std::uint32_t {
  none = 0,
  rsa_sha256 = 1,
  ecdsa_sha256 = 2,
  ecdh_sha256 = 3,
  rsa_sha384 = 0x101,
  ecdsa_sha384 = 0x102,
  ecdh_sha384 = 0x103,
};

struct ApiVersion {
  std::uint8_t major = 0;
  std::uint8_t minor = 0;
  auto operator<=>(const ApiVersion&) const = default;
};

/// Parsed, its key usable. That somebody signed it is another question: verify_signature().
class Certificate {
 public:
  /// `what` names it in errors: "pek". truncated or sev_certificate_malformed at "pek.size", "pek.version",
  /// "pek.key"; unsupported at "pek.algorithm", "pek.usage", "pek.key".
  static Result<Certificate> parse(ByteView bytes, std::string_view what);
  /// Without signatures. `key` is RSA or on P-256 or P-384.
  static Certificate make(Usage usage, Algorithm algorithm, ApiVersion api, const crypto::PublicKey& key);

  /// This, with `slot` (0 or 1) signed: ECDSA with SHA-256 as the PSP does, or RSA-PSS with SHA-256 (2048
  /// bits) or SHA-384, as AMD's ASK does.
  Result<Certificate> signed_by(std::size_t slot, Usage signer, const crypto::PrivateKey& key) const;
  /// In whichever slot names `signer`: certificate_signature_invalid at "WHAT.signature" where none does or
  /// none holds, unsupported for an algorithm that is unknown or does not fit the key.
  Status verify_signature(Usage signer, const crypto::PublicKey& key, std::string_view what) const;
  bool names_signer(Usage signer) const noexcept;

  Usage usage() const noexcept { return usage_; }
  Algorithm algorithm() const noexcept { return algorithm_; }
  /// Of the firmware that made it; zero but for PEK and PDH.
  ApiVersion api() const noexcept { return api_; }
  const crypto::PublicKey& key() const noexcept { return key_; }
  ByteView bytes() const noexcept { return bytes_; }

 private:
  Certificate(ByteView bytes, crypto::PublicKey key);
  ByteView slot(std::size_t index) const;

  std::array<std::uint8_t, kCertificateSize> bytes_{};
  ApiVersion api_;
  Usage usage_;
  Algorithm algorithm_;
  crypto::PublicKey key_;
};

}  // namespace sealift::sev
