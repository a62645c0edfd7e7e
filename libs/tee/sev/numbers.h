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

constexpr std::array<std::uint8_t, 4> le32_bytes(std::uint32_t value) noexcept {
  return {static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8U),
          static_cast<std::uint8_t>(value >> 16U), static_cast<std::uint8_t>(value >> 24U)};
}

}  // namespace sealift::sev
