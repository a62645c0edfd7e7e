// SPDX-License-Identifier: Apache-2.0
/// Key derivation: HKDF (RFC 5869) and the TPM's KDFa and KDFe (TPM 2.0 Part 1, clause 11.4.10).
#pragma once

#include <string_view>

#include "base/secret.h"
#include "crypto/digest.h"

namespace sealift::crypto {

/// `size` bytes; at most 255 hash lengths.
SecretBytes hkdf(HashAlgorithm hash, ByteView key, ByteView salt, ByteView info, std::size_t size);
/// KDFa: SP 800-108 counter mode with HMAC. `size` in bytes; the label's terminating NUL is added here.
SecretBytes kdfa(HashAlgorithm hash, ByteView key, std::string_view label, ByteView context_u,
                 ByteView context_v, std::size_t size);
/// KDFe: SP 800-56A concatenation. `z`, `party_u`, `party_v` are x-coordinates padded to the curve's size.
SecretBytes kdfe(HashAlgorithm hash, ByteView z, std::string_view label, ByteView party_u, ByteView party_v,
                 std::size_t size);

}  // namespace sealift::crypto
