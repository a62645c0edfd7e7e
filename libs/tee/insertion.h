// SPDX-License-Identifier: Apache-2.0
/// Secure insertion (design section 10; adr/0021): what a customer gives a security module, sealed so that
/// only the one which proved itself reads it, once, and nobody alters it on the way.
///
///   terms  = everything that the insertion is about: tenant, image, method, id, both sides' fresh values,
///   keys secret = HKDF-SHA512(ECDH(ephemeral key, insertion key) ‖ activation secret, salt SHA-256(terms),
///                        "sealift insertion v1" ‖ ephemeral key)
///          = AES-256-GCM key (32 bytes) ‖ confirmation key (32 bytes)
///
/// The activation secret is there where the security module proves the state of its machine: 32 bytes that
/// its TPM alone can open, and only for the attestation key that signed the quote. The terms are the
/// ciphertext's associated data. Who could read the plaintext answers with a confirmation, so that nobody
/// else can say that it arrived.
#pragma once

#include <string>

#include "base/secret.h"
#include "crypto/digest.h"
#include "crypto/key.h"

namespace sealift::tee {

inline constexpr std::size_t kInsertionNonceSize = 32;

/// Both sides write the same, or nothing opens.
struct InsertionTerms {
  std::string tenant;
  std::string image_id;      ///< hexadecimal
  std::string method;        ///< what is asked: the rpc's full name
  std::string insertion_id;  ///< the security module's, used once
  std::int64_t expires_at;   ///< seconds since 1970
  Bytes nonce;               ///< the customer's
  Bytes insertion_key;       ///< SubjectPublicKeyInfo, DER

  Bytes text() const;
  /// SHA-256 of that: what a quote is bound to.
  crypto::Digest digest() const;
};

/// What crosses to the security module.
struct SealedInsertion {
  Bytes ephemeral_key;  ///< SubjectPublicKeyInfo, DER
  Bytes credential;     ///< as tpm2_makecredential writes it; empty without an activation secret
  Bytes ciphertext;     ///< the tag behind it
};

/// The customer's side.
struct InsertionSent {
  SealedInsertion sealed;
  crypto::Digest confirmation;  ///< what a security module that read it answers
};
/// `insertion_key` is P-256 (key_unsupported).
Result<InsertionSent> seal_insertion(const InsertionTerms& terms, const crypto::PublicKey& insertion_key,
                                     ByteView activation_secret, Bytes credential, ByteView payload);

/// The security module's side.
struct InsertionReceived {
  SecretBytes payload;
  crypto::Digest confirmation;
};
/// `shared` is the ECDH of the insertion key and the ephemeral key. authentication_failed at "ciphertext"
/// where anything of it, or of the terms, is another.
Result<InsertionReceived> open_insertion(const InsertionTerms& terms, const SealedInsertion& sealed,
                                         const SecretBytes& shared, ByteView activation_secret);
/// The ephemeral key; key_unsupported or malformed at "ephemeral_key" unless it is a point on P-256.
Result<crypto::PublicKey> ephemeral_key_of(const SealedInsertion& sealed);

}  // namespace sealift::tee
