// SPDX-License-Identifier: Apache-2.0
/// The name of an image: 16 random bytes, not secret, never reused.
#pragma once

#include <array>
#include <compare>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::esm {

class ImageId {
 public:
  static constexpr std::size_t kSize = 16;

  explicit ImageId(const std::array<std::uint8_t, kSize>& bytes) noexcept : bytes_{bytes} {}
  static ImageId random();
  /// malformed unless there are 16 bytes.
  static Result<ImageId> from_bytes(ByteView bytes);
  /// 32 hexadecimal digits.
  static Result<ImageId> from_hex(std::string_view text);

  ByteView view() const& noexcept { return bytes_; }
  void view() const&& = delete;
  std::string hex() const { return to_hex(bytes_); }
  auto operator<=>(const ImageId&) const = default;

 private:
  std::array<std::uint8_t, kSize> bytes_;
};

}  // namespace sealift::esm
