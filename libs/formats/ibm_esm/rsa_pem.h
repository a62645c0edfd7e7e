// SPDX-License-Identifier: Apache-2.0
/// A quick way to read a recipient's key: OpenSSL's own decoder takes ten times as long as the encryption to
/// it.
#pragma once

#include <optional>

#include "crypto/key.h"

namespace sealift::ibm_esm {

/// The numbers of an RSA key in a PEM file that holds one "PUBLIC KEY" (RFC 7468) in plain DER (RFC 8017,
/// A.1.1) and nothing else. None for anything odd: then OpenSSL has to say what it is.
std::optional<crypto::RsaNumbers> plain_rsa_pem(ByteView pem_file);

}  // namespace sealift::ibm_esm
