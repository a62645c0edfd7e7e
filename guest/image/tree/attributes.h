// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace sealift::image {

/// Which extended attributes an image keeps: file capabilities, labels, and what users set. POSIX access
/// control lists ("system.posix_acl_…") are not carried over: a minimal root file system has none.
constexpr bool is_kept_attribute(std::string_view name) noexcept {
  return name.starts_with("security.") || name.starts_with("user.") || name.starts_with("trusted.");
}

}  // namespace sealift::image
