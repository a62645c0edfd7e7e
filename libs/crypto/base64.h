// SPDX-License-Identifier: Apache-2.0
/// Base64 (RFC 4648, section 4), with padding, on one line.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace sealift::crypto {

std::string to_base64(ByteView bytes);
/// Refuses white space, missing padding and non-canonical ends.
Result<Bytes> from_base64(std::string_view text);

}  // namespace sealift::crypto
