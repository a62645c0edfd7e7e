// SPDX-License-Identifier: Apache-2.0
/// The floor of a seal to an RSA storage key: the public-key operation, straight from OpenSSL.
#pragma once

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <memory>

#include "crypto/key.h"

namespace sealift::bench {

struct FreeOpenssl {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using OpensslContext = std::unique_ptr<EVP_PKEY_CTX, FreeOpenssl>;
using OpensslKey = std::unique_ptr<EVP_PKEY, FreeOpenssl>;

inline void must_be(bool good) {
  if (!good) std::abort();
}

/// OAEP of 32 bytes, everything that can be prepared once is.
class RawOaep {
 public:
  explicit RawOaep(const crypto::PublicKey& key)
      : context_{EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr)} {
    must_be(EVP_PKEY_encrypt_init(context_.get()) > 0);
    must_be(EVP_PKEY_CTX_set_rsa_padding(context_.get(), RSA_PKCS1_OAEP_PADDING) > 0);
    must_be(EVP_PKEY_CTX_set_rsa_oaep_md(context_.get(), EVP_sha256()) > 0);
  }
  void operator()() const {
    std::uint8_t out[256];
    std::size_t size = sizeof out;
    constexpr std::uint8_t kSeed[32] = {};
    must_be(EVP_PKEY_encrypt(context_.get(), out, &size, kSeed, sizeof kSeed) > 0);
  }

 private:
  OpensslContext context_;
};

}  // namespace sealift::bench
