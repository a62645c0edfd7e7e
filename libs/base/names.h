// SPDX-License-Identifier: Apache-2.0
/// Names that people and programs give to things of theirs: sets, zones, labels.
#pragma once

#include <cstddef>
#include <string_view>

namespace sealift {

/// 1 to `limit` of A-Z a-z 0-9 - _ . and nothing else: safe in paths, URLs and on terminals.
constexpr bool is_plain_name(std::string_view text, std::size_t limit) noexcept {
  constexpr std::string_view kPlain{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."};
  return !text.empty() && text.size() <= limit && text.find_first_not_of(kPlain) == std::string_view::npos;
}

}  // namespace sealift
