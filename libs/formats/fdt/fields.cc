// SPDX-License-Identifier: Apache-2.0
#include "formats/fdt/fields.h"

#include <fmt/core.h>

#include <algorithm>

namespace sealift::fdt {

tl::unexpected<Error> Fields::refuse(std::string_view name, const std::string& what) const {
  const auto where = fmt::format("{}/{}", path_ == "/" ? "" : path_, name);
  return fail(code_, fmt::format("{}: {}", where, what), where);
}

Result<ByteView> Fields::bytes(std::string_view name, std::size_t least, std::size_t most) {
  const auto* value = node_.property(name);
  if (value == nullptr) return refuse(name, "the property is missing");
  if (value->size() < least || value->size() > most) {
    return refuse(name, least == most
                            ? fmt::format("{} bytes, expected are {}", value->size(), least)
                            : fmt::format("{} bytes, expected are {} to {}", value->size(), least, most));
  }
  properties_.push_back(value);
  return ByteView{*value};
}

Result<std::string> Fields::text(std::string_view name, std::size_t most) {
  SEALIFT_TRY(const auto value, bytes(name, 1, most + 1));
  if (value.back() != 0) return refuse(name, "the string does not end with NUL");
  const auto characters = as_text(value.first(value.size() - 1));
  if (!is_plain_text(characters)) return refuse(name, "not one string of printable UTF-8");
  return std::string{characters};
}

Status Fields::expect_text(std::string_view name, std::initializer_list<std::string_view> texts) {
  ByteWriter expected;
  for (const auto text : texts) expected.text(text).u8(0);
  const auto* value = node_.property(name);
  if (value == nullptr) return refuse(name, "the property is missing");
  if (!same_bytes(*value, expected.view())) return refuse(name, "not a value that is known here");
  properties_.push_back(value);
  return {};
}

Result<std::uint32_t> Fields::be32(std::string_view name) {
  SEALIFT_TRY(const auto value, bytes(name, 4, 4));
  return ByteReader{value}.be32();
}

Result<const Node*> Fields::child(std::string_view name) {
  const auto* node = node_.child(name);
  if (node == nullptr) return refuse(name, "the node is missing");
  children_.push_back(node);
  return node;
}

Status Fields::expect_no_more_properties() const {
  for (const auto& property : node_.properties) {
    if (std::ranges::find(properties_, &property.value) == properties_.end()) {
      return refuse(property.name, "the property is not known here");
    }
  }
  return {};
}

Status Fields::expect_no_more() const {
  SEALIFT_CHECK(expect_no_more_properties());
  for (const auto& node : node_.children) {
    if (std::ranges::find(children_, &node) == children_.end()) {
      return refuse(node.name, "the node is not known here");
    }
  }
  return {};
}

bool is_plain_text(std::string_view text) noexcept {
  // RFC 3629, section 4: per lead byte, how many bytes follow and the smallest code point of that length.
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i++]);
    if (lead < 0x80) {
      if (lead < 0x20 || lead == 0x7f) return false;
      continue;
    }
    const std::size_t follow = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || follow > text.size() - i) return false;
    std::uint32_t point = lead & (0x3fU >> follow);
    for (const auto last = i + follow; i < last; ++i) {
      const auto byte = static_cast<std::uint8_t>(text[i]);
      if ((byte & 0xc0U) != 0x80) return false;
      point = (point << 6U) | (byte & 0x3fU);
    }
    constexpr std::uint32_t kLeast[] = {0xa0, 0x800, 0x10000};  // below 0xa0 are control characters
    if (point < kLeast[follow - 1] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
  }
  return true;
}

}  // namespace sealift::fdt
