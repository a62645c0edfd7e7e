// SPDX-License-Identifier: Apache-2.0
/// Signatures in the shapes that hardware uses: RSA-PSS, and ECDSA as two numbers.
#pragma once

#include "crypto/key.h"

namespace sealift::crypto {

/// RSASSA-PSS (RFC 8017, 8.1) with MGF1 of the same hash and a salt exactly as long as the hash.
/// signature_invalid where it does not match; key_unsupported where `key` is not RSA.
Status verify_pss(const PublicKey& key, HashAlgorithm hash, ByteView message, ByteView signature);
Result<Bytes> sign_pss(const PrivateKey& key, HashAlgorithm hash, ByteView message);

/// An ECDSA signature's two numbers, big-endian, each as long as a coordinate of the curve.
struct EcdsaNumbers {
  Bytes r;
  Bytes s;
};
/// As everything else writes it: ECDSA-Sig-Value (RFC 3279, 2.2.3), DER.
Bytes ecdsa_der(const EcdsaNumbers& numbers);
/// signature_invalid where it does not match, numbers out of range included; key_unsupported where `key` is
/// not an EC key.
Status verify_ecdsa(const PublicKey& key, HashAlgorithm hash, ByteView message, const EcdsaNumbers& numbers);
Result<EcdsaNumbers> sign_ecdsa(const PrivateKey& key, HashAlgorithm hash, ByteView message);

}  // namespace sealift::crypto
