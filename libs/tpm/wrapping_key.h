// SPDX-License-Identifier: Apache-2.0
/// The wrapping key of a pef host's firmware: an unrestricted RSA key at kWrappingKey that opens the
/// lockboxes of `ibm,esm` blobs, and does nothing else.
///
/// Its policy has the shape that IBM's firmware gives it: PolicyOR(A, B), where A is
/// PolicyCommandCode(RSA_Decrypt) ∧ PolicyAuthValue, and B the same for ObjectChangeAuth. So only who knows
/// the key's password uses it.
#pragma once

#include "base/secret.h"
#include "tpm/provisioning.h"
#include "tpm/session.h"

namespace sealift::tpm {

inline constexpr std::size_t kWrappingPasswordSize = 32;

/// Branch A, branch B, and what the key's authPolicy is: PolicyOR of both.
struct WrappingKeyPolicies {
  Digest decrypt;
  Digest change_auth;
  Digest either;
};
const WrappingKeyPolicies& wrapping_key_policies();

/// What CreatePrimary takes in the platform hierarchy.
TPMT_PUBLIC wrapping_key_template();

struct WrappingKey {
  Public area;
  Secret<kWrappingPasswordSize> password;  ///< for the ultravisor alone
};
/// The key, always the same, with a fresh password; earlier ones are void. Platform authorization is needed,
/// as before any operating system. Takes as long as making an RSA key does.
Result<WrappingKey> renew_wrapping_key(Tpm& tpm, const HierarchyAuths& auths);

/// The wrapping key as it is now. not_found at "wrapping_key" where there is none; storage of the password is
/// the caller's.
Result<Public> read_wrapping_key(Tpm& tpm);

/// What was RSA-OAEP-SHA256 encrypted to it, with no label. Its plaintext crosses the bus encrypted. Six
/// commands. boot_password_refused for another password; sealed_data_refused where the ciphertext is not for
/// this key.
Result<SecretBytes> decrypt_by_wrapping_key(Tpm& tpm, const Public& key,
                                            const Secret<kWrappingPasswordSize>& password,
                                            ByteView ciphertext);

}  // namespace sealift::tpm
