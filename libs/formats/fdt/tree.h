// SPDX-License-Identifier: Apache-2.0
/// Flattened device trees (Devicetree Specification 0.4, chapter 5) as values: parsed strictly, written
/// packed.
///
/// The input is hostile. Refused, beyond what libfdt refuses: a size other than the header's totalsize,
/// blocks that overlap or lie outside, bytes other than zero between them, memory reservations, a version
/// other than 17, NOP and unknown tokens, names outside the specification's alphabet, duplicate nodes or
/// properties, properties after children, trees deeper than kMaxDepth.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::fdt {

inline constexpr std::size_t kMaxSize = 16U * 1024 * 1024;
inline constexpr std::size_t kMaxDepth = 16;
inline constexpr std::size_t kMaxNameSize = 63;

struct Property {
  std::string name;
  Bytes value;
  bool operator==(const Property&) const = default;
};

struct Node {
  std::string name;  ///< "" for the root
  std::vector<Property> properties;
  std::vector<Node> children;

  /// The property's value, or nullptr.
  const Bytes* property(std::string_view wanted) const noexcept;
  const Node* child(std::string_view wanted) const noexcept;

  /// Appends; the caller does not repeat a name (serialise refuses it).
  Node& add(std::string_view property_name, ByteView value);
  /// A string, or several, each with its terminating NUL.
  Node& add_text(std::string_view property_name, std::initializer_list<std::string_view> texts);
  Node& add_be32(std::string_view property_name, std::uint32_t value);
  /// The reference holds until the next child is added.
  Node& add_child(std::string_view child_name);

  bool operator==(const Node&) const = default;
};

/// The root of the tree in `blob`, all of it. truncated, malformed, too_large (more than `max_size`),
/// unsupported (another version, memory reservations).
Result<Node> parse(ByteView blob, std::size_t max_size = kMaxSize);

/// The tree as a blob, padded with zeros to `total_size` (0: as small as it is). too_large where it does not
/// fit there or is larger than kMaxSize; malformed for what parse() would refuse.
Result<Bytes> serialise(const Node& root, std::size_t total_size = 0);

}  // namespace sealift::fdt
