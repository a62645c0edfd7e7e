// SPDX-License-Identifier: Apache-2.0
/// The key-encryption key in a PKCS#11 token: an HSM's, which it never leaves.
#pragma once

#include "services/securitymodule/adapters/pkcs11_token.h"

namespace sealift::securitymodule {

class Pkcs11Protector final : public Protector {
 public:
  /// As Pkcs11Token::open.
  static Result<Pkcs11Protector> open(const std::string& uri, MissingKey missing);

  std::string key_id() const override { return token_->key_id(); }
  /// u8 1 ‖ 12 bytes IV ‖ AES-256-GCM ciphertext ‖ 16 bytes tag (CKM_AES_GCM).
  Result<Bytes> wrap(ByteView secret, ByteView associated_data) const override;
  Result<SecretBytes> unwrap(ByteView wrapped, ByteView associated_data) const override;

 private:
  explicit Pkcs11Protector(std::unique_ptr<Pkcs11Token> token) : token_{std::move(token)} {}
  std::unique_ptr<Pkcs11Token> token_;
};

}  // namespace sealift::securitymodule
