// SPDX-License-Identifier: Apache-2.0
/// MakeCredential without a TPM (Part 1, clause 24, "Credential Protection"): a secret that only the TPM with
/// a given endorsement key can read, and only if it also holds the key of a given Name.
#pragma once

#include "tpm/types.h"

namespace sealift::tpm {

struct Credential {
  Bytes id_object;  ///< TPM2B_ID_OBJECT: integrity ‖ encrypted secret
  Bytes secret;     ///< TPM2B_ENCRYPTED_SECRET: the seed, encrypted to the endorsement key
  bool operator==(const Credential&) const = default;
};

/// What TPM2_ActivateCredential opens with `ek` and the loaded object called `name`. `secret` is 1 byte to
/// one digest of the EK's name algorithm (invalid_argument); `ek` as seal.h's StorageKey::prepare
/// (key_unsupported).
Result<Credential> make_credential(const Public& ek, const Name& name, ByteView secret);

/// The file that tpm2_makecredential writes and tpm2_activatecredential reads: u32be 0xBADCC0DE, u32be 1,
/// then both structures.
Bytes credential_file(const Credential& credential);
/// Strict: exact lengths, nothing after the end.
Result<Credential> parse_credential_file(ByteView file);

}  // namespace sealift::tpm
