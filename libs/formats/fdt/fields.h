// SPDX-License-Identifier: Apache-2.0
/// Reading a node by its schema: what is expected is taken, what is missing, mis-sized or left over is
/// refused.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "formats/fdt/tree.h"

namespace sealift::fdt {

/// Well-formed UTF-8 (RFC 3629) without control characters: safe to show.
bool is_plain_text(std::string_view text) noexcept;

class Fields {
 public:
  /// `path` names the node in messages: "/payload/integrity". Refusals carry `code` and the field's path.
  Fields(const Node& node, std::string path, ErrorCode code)
      : node_{node}, path_{std::move(path)}, code_{code} {}

  /// The property's bytes, between `least` and `most` of them.
  Result<ByteView> bytes(std::string_view name, std::size_t least, std::size_t most);
  /// One string with its NUL: plain text of at most `most` bytes.
  Result<std::string> text(std::string_view name, std::size_t most);
  /// Exactly these strings.
  Status expect_text(std::string_view name, std::initializer_list<std::string_view> texts);
  Result<std::uint32_t> be32(std::string_view name);
  Result<const Node*> child(std::string_view name);
  bool has(std::string_view name) const noexcept { return node_.property(name) != nullptr; }

  /// Refuses properties and children that were not asked for.
  Status expect_no_more() const;
  /// Refuses properties that were not asked for; the children are the caller's.
  Status expect_no_more_properties() const;

  tl::unexpected<Error> refuse(std::string_view name, const std::string& what) const;

 private:
  const Node& node_;
  std::string path_;
  ErrorCode code_;
  std::vector<const Bytes*> properties_;  // taken
  std::vector<const Node*> children_;     // taken
};

}  // namespace sealift::fdt
