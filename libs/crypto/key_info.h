// SPDX-License-Identifier: Apache-2.0
/// Private to libs/crypto: SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) by its parts. OpenSSL's encoder writes
/// the same bytes, but first looks for who can, which takes longer than what the key is used for.
#pragma once

#include <openssl/evp.h>

#include "base/bytes.h"

namespace sealift::crypto {

/// DER; nothing for a key that is neither RSA nor EC on a curve with a name.
Bytes key_info(const EVP_PKEY* key);

}  // namespace sealift::crypto
