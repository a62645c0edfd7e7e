// SPDX-License-Identifier: Apache-2.0
/// Insertion keys that a certificate of the customer's own authority vouches for: in an HSM, or in a file.
#pragma once

#include <filesystem>
#include <mutex>

#include "services/securitymodule/adapters/pkcs11_token.h"
#include "services/securitymodule/domain/insertion_key.h"

namespace sealift::securitymodule {

class CertifiedInsertionKey : public InsertionKey {
 public:
  Result<Offer> offer() const final;
  Result<tee::InsertionProof> prove(const tee::InsertionTerms& terms) const final;
  Result<Secrets> secrets_of(ByteView kept, const tee::SealedInsertion& sealed) const final;

  const crypto::PublicKey& key() const noexcept { return key_; }
  /// The key's own certificate first. failed_precondition at "insertion-certificates" where that is about
  /// another key.
  Status take_certificates(const std::filesystem::path& file);

 protected:
  explicit CertifiedInsertionKey(crypto::PublicKey key) : key_{std::move(key)} {}

 private:
  virtual Result<SecretBytes> agree(const crypto::PublicKey& with) const = 0;

  crypto::PublicKey key_;
  std::vector<Bytes> certificates_;
};

/// ECDH in the token (CKM_ECDH1_DERIVE): the key never leaves it.
class Pkcs11InsertionKey final : public CertifiedInsertionKey {
 public:
  /// As Pkcs11Token::open.
  static Result<std::unique_ptr<CertifiedInsertionKey>> open(const std::string& uri, MissingKey missing);

 private:
  Pkcs11InsertionKey(std::unique_ptr<Pkcs11Token> token, crypto::PublicKey key)
      : CertifiedInsertionKey{std::move(key)}, token_{std::move(token)} {}
  Result<SecretBytes> agree(const crypto::PublicKey& with) const override;

  mutable std::mutex mutex_;
  std::unique_ptr<Pkcs11Token> token_;
};

/// Insecure: whoever reads the file and listens to an insertion reads the seed.
class FileInsertionKey final : public CertifiedInsertionKey {
 public:
  /// PEM, its owner's alone. not_found where it is missing and none shall be made.
  static Result<std::unique_ptr<CertifiedInsertionKey>> open(const std::filesystem::path& path,
                                                             MissingKey missing);

 private:
  explicit FileInsertionKey(crypto::PrivateKey key)
      : CertifiedInsertionKey{key.public_key()}, key_{std::move(key)} {}
  Result<SecretBytes> agree(const crypto::PublicKey& with) const override { return key_.ecdh(with); }

  crypto::PrivateKey key_;
};

}  // namespace sealift::securitymodule
