// SPDX-License-Identifier: Apache-2.0
/// Bounded reading and writing of bytes. The reader's input is hostile: it copies values out (never casts in
/// place), a failed read leaves the cursor where it was, and sizes are compared, never added.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sealift {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// The characters of `text` as bytes, not owned.
inline ByteView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
/// The bytes of `bytes` as characters, not owned.
inline std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }
/// Same length and content. Not for secrets: see base/secret.h.
bool same_bytes(ByteView a, ByteView b) noexcept;

class ByteReader {
 public:
  explicit ByteReader(ByteView input) noexcept : rest_{input}, size_{input.size()} {}

  Result<std::uint8_t> u8();
  Result<std::uint16_t> be16();
  Result<std::uint32_t> be32();
  Result<std::uint64_t> be64();
  Result<std::uint16_t> le16();
  Result<std::uint32_t> le32();
  Result<std::uint64_t> le64();
  /// The next `count` bytes, not copied.
  Result<ByteView> take(std::size_t count);
  /// A big-endian 16-bit length, at most `limit`, and that many bytes (TPM2B_*).
  Result<ByteView> sized16(std::size_t limit);
  /// A big-endian 32-bit length, at most `limit`, and that many bytes.
  Result<ByteView> sized32(std::size_t limit);
  /// Refuses trailing bytes.
  Status expect_end() const;

  ByteView rest() const noexcept { return rest_; }
  bool at_end() const noexcept { return rest_.empty(); }
  /// Bytes consumed so far.
  std::size_t position() const noexcept { return size_ - rest_.size(); }

 private:
  ByteView rest_;
  std::size_t size_;
};

class ByteWriter {
 public:
  ByteWriter& u8(std::uint8_t value);
  ByteWriter& be16(std::uint16_t value);
  ByteWriter& be32(std::uint32_t value);
  ByteWriter& be64(std::uint64_t value);
  ByteWriter& le16(std::uint16_t value);
  ByteWriter& le32(std::uint32_t value);
  ByteWriter& le64(std::uint64_t value);
  ByteWriter& bytes(ByteView value);
  ByteWriter& text(std::string_view value) { return bytes(as_bytes(value)); }
  /// Length as 16 (32) bits big-endian, then the bytes. The caller keeps to the length's range.
  ByteWriter& sized16(ByteView value);
  ByteWriter& sized32(ByteView value);

  const Bytes& view() const& noexcept { return out_; }
  Bytes take() && noexcept { return std::move(out_); }

 private:
  Bytes out_;
};

/// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);
/// Hexadecimal in either case, an even number of digits, nothing else.
Result<Bytes> from_hex(std::string_view text);

}  // namespace sealift
