// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>

namespace sealift {
namespace {

template <typename T>
T big_endian(ByteView bytes) {
  T value{};
  for (const auto byte : bytes) value = static_cast<T>((value << 8U) | byte);
  return value;
}

template <typename T>
T little_endian(ByteView bytes) {
  T value{};
  for (std::size_t i = bytes.size(); i-- > 0;) value = static_cast<T>((value << 8U) | bytes[i]);
  return value;
}

template <typename T>
void put(Bytes& out, T value, bool big) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    const auto shift = 8U * (big ? sizeof(T) - 1 - i : i);
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

Result<std::uint8_t> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return fail(ErrorCode::malformed, "not a hexadecimal digit");
}

}  // namespace

bool same_bytes(ByteView a, ByteView b) noexcept { return std::ranges::equal(a, b); }

Result<ByteView> ByteReader::take(std::size_t count) {
  if (count > rest_.size()) {
    return fail(ErrorCode::truncated,
                fmt::format("{} bytes wanted at offset {}, {} there", count, position(), rest_.size()));
  }
  return std::exchange(rest_, rest_.subspan(count)).first(count);
}

Result<std::uint8_t> ByteReader::u8() {
  SEALIFT_TRY(const auto bytes, take(1));
  return bytes.front();
}
Result<std::uint16_t> ByteReader::be16() {
  SEALIFT_TRY(const auto bytes, take(2));
  return big_endian<std::uint16_t>(bytes);
}
Result<std::uint32_t> ByteReader::be32() {
  SEALIFT_TRY(const auto bytes, take(4));
  return big_endian<std::uint32_t>(bytes);
}
Result<std::uint64_t> ByteReader::be64() {
  SEALIFT_TRY(const auto bytes, take(8));
  return big_endian<std::uint64_t>(bytes);
}
Result<std::uint16_t> ByteReader::le16() {
  SEALIFT_TRY(const auto bytes, take(2));
  return little_endian<std::uint16_t>(bytes);
}
Result<std::uint32_t> ByteReader::le32() {
  SEALIFT_TRY(const auto bytes, take(4));
  return little_endian<std::uint32_t>(bytes);
}
Result<std::uint64_t> ByteReader::le64() {
  SEALIFT_TRY(const auto bytes, take(8));
  return little_endian<std::uint64_t>(bytes);
}

Result<ByteView> ByteReader::sized16(std::size_t limit) {
  auto ahead = *this;
  SEALIFT_TRY(const auto length, ahead.be16());
  if (length > limit) return fail(ErrorCode::too_large, fmt::format("length {} exceeds {}", length, limit));
  SEALIFT_TRY(const auto bytes, ahead.take(length));
  *this = ahead;
  return bytes;
}

Result<ByteView> ByteReader::sized32(std::size_t limit) {
  auto ahead = *this;
  SEALIFT_TRY(const auto length, ahead.be32());
  if (length > limit) return fail(ErrorCode::too_large, fmt::format("length {} exceeds {}", length, limit));
  SEALIFT_TRY(const auto bytes, ahead.take(length));
  *this = ahead;
  return bytes;
}

Status ByteReader::expect_end() const {
  if (rest_.empty()) return {};
  return fail(ErrorCode::malformed, fmt::format("{} bytes follow the end of the data", rest_.size()));
}

ByteWriter& ByteWriter::u8(std::uint8_t value) { return out_.push_back(value), *this; }
ByteWriter& ByteWriter::be16(std::uint16_t value) { return put(out_, value, true), *this; }
ByteWriter& ByteWriter::be32(std::uint32_t value) { return put(out_, value, true), *this; }
ByteWriter& ByteWriter::be64(std::uint64_t value) { return put(out_, value, true), *this; }
ByteWriter& ByteWriter::le16(std::uint16_t value) { return put(out_, value, false), *this; }
ByteWriter& ByteWriter::le32(std::uint32_t value) { return put(out_, value, false), *this; }
ByteWriter& ByteWriter::le64(std::uint64_t value) { return put(out_, value, false), *this; }
ByteWriter& ByteWriter::bytes(ByteView value) {
  out_.insert(out_.end(), value.begin(), value.end());
  return *this;
}
ByteWriter& ByteWriter::sized16(ByteView value) {
  assert(value.size() <= UINT16_MAX);
  return be16(static_cast<std::uint16_t>(value.size())).bytes(value);
}
ByteWriter& ByteWriter::sized32(ByteView value) {
  assert(value.size() <= UINT32_MAX);
  return be32(static_cast<std::uint32_t>(value.size())).bytes(value);
}

std::string to_hex(ByteView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    text.push_back(kDigits[byte >> 4U]);
    text.push_back(kDigits[byte & 0xFU]);
  }
  return text;
}

Result<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return fail(ErrorCode::malformed, "odd number of hexadecimal digits");
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    SEALIFT_TRY(const auto high, hex_digit(text[i]));
    SEALIFT_TRY(const auto low, hex_digit(text[i + 1]));
    bytes.push_back(static_cast<std::uint8_t>(high << 4U | low));
  }
  return bytes;
}

}  // namespace sealift
