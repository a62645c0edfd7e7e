// SPDX-License-Identifier: Apache-2.0
/// Private to libs/tpm: public areas put together.
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "tpm/profile.h"

namespace sealift::tpm {

/// What restricted decryption keys differ in.
struct DecryptionKeyShape {
  KeyKind kind;
  HashAlgorithm hash;  ///< of the name
  TPMA_OBJECT attributes;
  std::uint16_t cipher_bits;  ///< AES-CFB
};

TPM2B_DIGEST to_tpm(const Digest& digest);
/// Without the key's numbers.
TPMT_PUBLIC restricted_decryption_key(const DecryptionKeyShape& shape, const Digest& policy);

}  // namespace sealift::tpm
