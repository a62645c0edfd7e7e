// SPDX-License-Identifier: Apache-2.0
#include "store/sql/value.h"

#include <algorithm>

namespace sealift::sql {
namespace {

/// How many bytes the character that `lead` begins has, and the range of its second byte (Unicode 15, table
/// 3-7).
struct Character {
  std::size_t size = 0;
  std::uint8_t second_from = 0x80;
  std::uint8_t second_to = 0xBF;
};

Character character(std::uint8_t lead) {
  if (lead >= 0x01 && lead <= 0x7F) return {1};
  if (lead >= 0xC2 && lead <= 0xDF) return {2};
  if (lead == 0xE0) return {3, 0xA0};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF) return {3};
  if (lead == 0xF0) return {4, 0x90};
  if (lead >= 0xF1 && lead <= 0xF3) return {4};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {};
}

bool is_text(ByteView rest) {
  while (!rest.empty()) {
    const auto one = character(rest[0]);
    if (one.size == 0 || one.size > rest.size()) return false;
    if (one.size > 1 && (rest[1] < one.second_from || rest[1] > one.second_to)) return false;
    const auto others = rest.subspan(std::min<std::size_t>(2, one.size), one.size > 2 ? one.size - 2 : 0);
    if (!std::ranges::all_of(others, [](std::uint8_t byte) { return byte >= 0x80 && byte <= 0xBF; }))
      return false;
    rest = rest.subspan(one.size);
  }
  return true;
}

}  // namespace

Status check_texts(const Args& args) {
  for (const auto& value : args) {
    const auto* const text = std::get_if<std::string>(&value);
    if (text != nullptr && !is_text(as_bytes(*text)))
      return fail(ErrorCode::invalid_argument, "a text is not UTF-8, or holds a NUL character");
  }
  return {};
}

Status Row::finish() const {
  if (spoilt_ || next_ != columns_.size())
    return fail(ErrorCode::internal, "a row of the database does not have the expected columns");
  return {};
}

}  // namespace sealift::sql
