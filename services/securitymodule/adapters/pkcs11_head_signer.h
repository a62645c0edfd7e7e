// SPDX-License-Identifier: Apache-2.0
/// The log's key in a PKCS#11 token: it signs there (CKM_ECDSA), once for all entries that arrive together.
#pragma once

#include <mutex>

#include "merkle/log.h"
#include "services/securitymodule/adapters/pkcs11_token.h"

namespace sealift::securitymodule {

class Pkcs11HeadSigner final : public merkle::HeadSigner {
 public:
  /// As Pkcs11Token::open; the field is "log-key".
  static Result<std::unique_ptr<merkle::HeadSigner>> open(const std::string& uri, MissingKey missing);

  const crypto::PublicKey& public_key() const override { return public_key_; }
  /// unavailable where the token is away: nothing is decided until it is back.
  Result<Bytes> sign(ByteView message) const override;

 private:
  Pkcs11HeadSigner(std::unique_ptr<Pkcs11Token> token, crypto::PublicKey public_key)
      : token_{std::move(token)}, public_key_{std::move(public_key)} {}

  mutable std::mutex mutex_;
  std::unique_ptr<Pkcs11Token> token_;
  crypto::PublicKey public_key_;
};

}  // namespace sealift::securitymodule
