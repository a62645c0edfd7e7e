// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/guid.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>

namespace sealift::sev {
namespace {

/// Between the text's order and the memory's; its own inverse.
std::array<std::uint8_t, Guid::kSize> swapped(ByteView bytes) {
  constexpr std::array<std::uint8_t, Guid::kSize> kOrder{3, 2, 1,  0,  5,  4,  7,  6,
                                                         8, 9, 10, 11, 12, 13, 14, 15};
  std::array<std::uint8_t, Guid::kSize> out{};
  std::ranges::transform(kOrder, out.begin(), [&](std::uint8_t from) { return bytes[from]; });
  return out;
}

constexpr std::array<std::size_t, 4> kDashes{8, 13, 18, 23};

}  // namespace

Guid::Guid(ByteView in_memory) {
  assert(in_memory.size() == kSize);
  std::ranges::copy(in_memory, bytes_.begin());
}

Result<Guid> Guid::parse(std::string_view text) {
  const auto refuse = [&] {
    return fail(
        ErrorCode::malformed,
        fmt::format("'{}' is not a GUID like 736869e5-84f0-4973-92ec-06879ce3da0b", text.substr(0, 64)));
  };
  if (text.size() != 36) return refuse();
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = std::ranges::find(kDashes, i) != kDashes.end();
    if (dash != (text[i] == '-')) return refuse();
    if (!dash) digits += text[i];
  }
  const auto bytes = from_hex(digits);
  if (!bytes) return refuse();
  return Guid{swapped(*bytes)};
}

std::string Guid::text() const {
  const auto text = to_hex(swapped(bytes_));
  const std::string_view digits{text};
  return fmt::format("{}-{}-{}-{}-{}", digits.substr(0, 8), digits.substr(8, 4), digits.substr(12, 4),
                     digits.substr(16, 4), digits.substr(20));
}

}  // namespace sealift::sev
