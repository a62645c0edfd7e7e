// SPDX-License-Identifier: Apache-2.0
/// GUIDs as UEFI has them (UEFI 2.10, appendix A): in memory the first three parts are little-endian.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace sealift::sev {

class Guid {
 public:
  static constexpr std::size_t kSize = 16;
  /// As it lies in memory: 16 bytes.
  explicit Guid(ByteView in_memory);
  /// "736869e5-84f0-4973-92ec-06879ce3da0b", in either case; malformed otherwise.
  static Result<Guid> parse(std::string_view text);

  ByteView in_memory() const noexcept { return bytes_; }
  std::string text() const;
  bool operator==(const Guid&) const noexcept = default;

 private:
  std::array<std::uint8_t, kSize> bytes_{};
};

}  // namespace sealift::sev
