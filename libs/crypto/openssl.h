// SPDX-License-Identifier: Apache-2.0
/// Private to libs/crypto and libs/rpc: owners for OpenSSL's objects, and the check for calls that fail only
/// when memory or the library itself is broken.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>

#include "crypto/digest.h"

namespace sealift::crypto {

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using Pkey = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;

/// OpenSSL's name for each hash, fetched once: fetching costs more than hashing a block.
const EVP_MD* fetched(HashAlgorithm algorithm);

/// Ends the process: OpenSSL could not do what cannot fail for any input.
[[noreturn]] void openssl_broken(const char* what);
inline void must(int result, const char* what) {
  if (result <= 0) openssl_broken(what);
}
template <typename T>
T* must(T* object, const char* what) {
  if (object == nullptr) openssl_broken(what);
  return object;
}
/// OpenSSL's own reasons, for the log; empties its queue.
std::string openssl_errors();

}  // namespace sealift::crypto
