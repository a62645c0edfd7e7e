// SPDX-License-Identifier: Apache-2.0
/// What the seed becomes (design section 5). Inside libs/formats only: everybody else goes through make() and
/// VerifiedOperand, which keep the order.
#pragma once

#include <string_view>

#include "formats/esm/operand.h"

namespace sealift::esm {

/// HMAC-SHA512 over operand.hmac_input(), by the seed's HMAC key.
crypto::Digest payload_hmac(const Operand& operand, const Seed& seed);
/// 32 bytes for AES-256-GCM.
SecretBytes encryption_key(const Seed& seed, const ImageId& image_id);
/// "sealift,esm-v1" ‖ image-id ‖ entry name.
Bytes associated_data(const ImageId& image_id, std::string_view entry_name);

}  // namespace sealift::esm
