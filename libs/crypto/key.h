// SPDX-License-Identifier: Apache-2.0
/// RSA and elliptic-curve keys, by OpenSSL 3.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "crypto/digest.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace sealift::crypto {

enum class Curve : std::uint8_t { p256, p384 };
enum class KeyType : std::uint8_t { rsa, ec, other };

/// Bytes of one coordinate: 32, 48.
constexpr std::size_t coordinate_size(Curve curve) noexcept { return curve == Curve::p256 ? 32 : 48; }

struct RsaNumbers {
  Bytes modulus;           ///< big-endian, no leading zeros
  std::uint32_t exponent;  ///< 65537 where the TPM says 0
};
struct EcPoint {
  Curve curve;
  Bytes x;  ///< big-endian, padded to the coordinate's size
  Bytes y;
};

class PublicKey {
 public:
  static Result<PublicKey> from_rsa(const RsaNumbers& numbers);
  /// Refuses a point that is not on the curve.
  static Result<PublicKey> from_ec(const EcPoint& point);
  /// PEM or DER SubjectPublicKeyInfo; also the public half of a PEM private key is refused.
  static Result<PublicKey> parse(ByteView pem_or_der);

  KeyType type() const noexcept;
  int bits() const noexcept;
  Result<RsaNumbers> rsa() const;
  Result<EcPoint> ec() const;
  /// SubjectPublicKeyInfo, DER.
  Bytes der() const;
  /// As `openssl pkey -pubout` writes it.
  std::string pem() const;
  bool operator==(const PublicKey& other) const noexcept;

  /// RSA-OAEP (RFC 8017, 7.1) with MGF1 of the same hash. A TPM's labels include their terminating NUL.
  Result<Bytes> oaep_encrypt(HashAlgorithm hash, ByteView label, ByteView plaintext) const;
  /// ECDSA or RSA PKCS#1 v1.5. signature_invalid where it does not match.
  Status verify(HashAlgorithm hash, ByteView message, ByteView signature) const;

  evp_pkey_st* get() const noexcept { return key_.get(); }

 private:
  friend class PrivateKey;
  explicit PublicKey(std::shared_ptr<evp_pkey_st> key) : key_{std::move(key)} {}
  friend Result<PublicKey> wrap_public(evp_pkey_st* key);
  std::shared_ptr<evp_pkey_st> key_;  // immutable after construction, so sharing is safe
};

/// Takes one reference of OpenSSL's own key (for certificates).
Result<PublicKey> wrap_public(evp_pkey_st* key);

class PrivateKey {
 public:
  static Result<PrivateKey> generate_rsa(int bits);
  static Result<PrivateKey> generate_ec(Curve curve);
  /// PEM or DER. `passphrase` for an encrypted PEM; decryption_failed where it is missing or wrong.
  static Result<PrivateKey> parse(ByteView pem_or_der, ByteView passphrase = {});

  PrivateKey(PrivateKey&&) noexcept = default;
  PrivateKey& operator=(PrivateKey&&) noexcept = default;
  PrivateKey(const PrivateKey&) = delete;
  PrivateKey& operator=(const PrivateKey&) = delete;
  ~PrivateKey() = default;

  KeyType type() const noexcept;
  int bits() const noexcept;
  PublicKey public_key() const;
  /// PKCS#8, PEM, not encrypted.
  SecretBytes pem() const;
  Result<SecretBytes> oaep_decrypt(HashAlgorithm hash, ByteView label, ByteView ciphertext) const;
  /// The shared x-coordinate, padded to the curve's size (SP 800-56A, 5.7.1.2).
  Result<SecretBytes> ecdh(const PublicKey& peer) const;
  Result<Bytes> sign(HashAlgorithm hash, ByteView message) const;

  evp_pkey_st* get() const noexcept { return key_.get(); }

 private:
  explicit PrivateKey(std::shared_ptr<evp_pkey_st> key) : key_{std::move(key)} {}
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace sealift::crypto
