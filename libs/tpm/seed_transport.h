// SPDX-License-Identifier: Apache-2.0
/// Private to libs/tpm: fresh seeds that only the holder of one public key can recover (Part 1, annexes B.10
/// and C.6). On OpenSSL directly: what can be prepared for a key is prepared once, which is a quarter of the
/// work.
#pragma once

#include <memory>
#include <string_view>

#include "base/secret.h"
#include "crypto/key.h"
#include "tpm/types.h"

namespace sealift::tpm {

/// Any number of threads may call new_seed() at once.
class SeedTransport {
 public:
  struct Seed {
    SecretBytes value;
    Bytes encrypted;  ///< TPM2B_ENCRYPTED_SECRET
  };
  /// `hash` is the receiver's name algorithm; `label` is "DUPLICATE" or "IDENTITY", its NUL is added here.
  static Result<std::unique_ptr<const SeedTransport>> prepare(const crypto::PublicKey& receiver,
                                                              HashAlgorithm hash, std::string_view label);
  virtual ~SeedTransport() = default;
  virtual Result<Seed> new_seed() const = 0;
};

}  // namespace sealift::tpm
