// SPDX-License-Identifier: Apache-2.0
/// Private to libs/tpm: the outer wrapper of duplicates and credentials (Part 1, clauses 23.3.2.3 and 24).
#pragma once

#include <memory>
#include <string_view>

#include "base/secret.h"
#include "tpm/seed_transport.h"
#include "tpm/types.h"

namespace sealift::tpm {

/// A restricted decryption key as the receiver of protected data, prepared once.
class OuterWrap {
 public:
  /// `label` as for SeedTransport. key_unsupported, naming the field, for anything else than a restricted
  /// decryption key, RSA or ECC, with AES-CFB.
  static Result<OuterWrap> prepare(const Public& receiver, std::string_view label);

  const Name& receiver_name() const noexcept { return name_; }
  HashAlgorithm hash() const noexcept { return hash_; }
  Result<SeedTransport::Seed> new_seed() const { return transport_->new_seed(); }

  /// `TPM2B_DIGEST integrity ‖ AES-CFB(plaintext)`, in a TPM2B. `plaintext` is encrypted where it lies.
  Bytes protect(const SecretBytes& seed, const Name& name, SecretBytes plaintext) const;

 private:
  OuterWrap(std::unique_ptr<const SeedTransport> transport, const Public& receiver,
            std::size_t cipher_key_size);

  std::unique_ptr<const SeedTransport> transport_;
  Name name_;
  HashAlgorithm hash_;
  std::size_t cipher_key_size_;  // bytes
};

}  // namespace sealift::tpm
