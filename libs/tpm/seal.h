// SPDX-License-Identifier: Apache-2.0
/// Sealing without a TPM: a data object made and wrapped in software, for one storage key and one policy.
///
/// The result is what TPM2_Import, TPM2_Load and TPM2_Unseal take (Part 1, clause 23.3, "Duplication"): no
/// inner wrapper, outer wrapper by a random seed that only the storage key can open.
///
/// Not here: whether the storage key lives in a genuine TPM. Seal only to a key whose enrolment was checked.
#pragma once

#include <memory>

#include "tpm/policy.h"
#include "tpm/types.h"

namespace sealift::tpm {

/// The largest secret a TPM must be able to unseal (MAX_SYM_DATA), in bytes.
inline constexpr std::size_t kSealedSizeLimit = 128;

/// One secret, sealed. Nothing in it is secret.
struct SealedData {
  Bytes public_area;  ///< TPM2B_PUBLIC of the data object
  Bytes duplicate;    ///< TPM2B_PRIVATE: integrity ‖ encrypted sensitive area
  Bytes seed;         ///< TPM2B_ENCRYPTED_SECRET
};

/// A parent to seal to, prepared once: the costly part of a seal is then the one public-key operation.
/// Copies share what was prepared; any number of threads may seal at once.
class StorageKey {
 public:
  /// A restricted decryption key, RSA or ECC (P-256, P-384), with AES-CFB of 128 or 256 bits: what
  /// TPM2_Import takes as a parent. key_unsupported, naming the field, otherwise.
  static Result<StorageKey> prepare(const Public& parent);

  const Name& name() const noexcept;
  /// `secret` is 1 to 128 bytes; `policy` a SHA-256 policy digest, the only way to use the object: it has
  /// neither a usable auth value nor a way to be changed, duplicated or certified. invalid_argument
  /// otherwise.
  Result<SealedData> seal(ByteView secret, const Digest& policy) const;

 private:
  explicit StorageKey(std::shared_ptr<const class OuterWrap> wrap) : wrap_{std::move(wrap)} {}
  std::shared_ptr<const class OuterWrap> wrap_;
};

/// Sealed to the machine's state: PolicyPCR over the values it should have.
inline Result<SealedData> seal(const StorageKey& parent, ByteView secret, const PcrValues& expected) {
  return parent.seal(secret, Policy{}.pcr(expected).digest());
}

}  // namespace sealift::tpm
