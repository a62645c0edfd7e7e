// SPDX-License-Identifier: Apache-2.0
/// Private to libs/tee/sev: AMD's numbers are little-endian in fields that are larger than they are.
#pragma once

#include <optional>

#include "base/bytes.h"

namespace sealift::sev {

/// Big-endian in exactly `size` bytes; nullopt where the number needs more.
std::optional<Bytes> from_little_endian(ByteView field, std::size_t size);
/// Little-endian in a field of `size` bytes, which has room for it.
Bytes to_little_endian(ByteView big_endian, std::size_t size);

}  // namespace sealift::sev
