// SPDX-License-Identifier: Apache-2.0
/// What a security module proves itself by to a customer, and gets their seeds under (adr/0021).
#pragma once

#include "tee/insertion_proof.h"

namespace sealift::securitymodule {

/// Usable by several threads.
class InsertionKey {
 public:
  struct Offer {
    Bytes key;         ///< P-256, SubjectPublicKeyInfo in DER
    SecretBytes kept;  ///< what secrets_of() needs of it later; empty where the key stays where it is
  };
  struct Secrets {
    SecretBytes shared;      ///< ECDH with the ephemeral key
    SecretBytes activation;  ///< empty where none is asked for
  };

  virtual ~InsertionKey() = default;
  /// The key for one insertion: its own, or the same each time.
  virtual Result<Offer> offer() const = 0;
  /// That this key is the security module's, bound to these terms.
  virtual Result<tee::InsertionProof> prove(const tee::InsertionTerms& terms) const = 0;
  /// What opens `sealed`. failed_precondition at "insertion_id" where another replica was asked.
  virtual Result<Secrets> secrets_of(ByteView kept, const tee::SealedInsertion& sealed) const = 0;
};

}  // namespace sealift::securitymodule
