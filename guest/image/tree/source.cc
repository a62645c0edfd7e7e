// SPDX-License-Identifier: Apache-2.0
#include "guest/image/tree/source.h"

#include <algorithm>

namespace sealift::image {
namespace {

constexpr std::size_t kMaxPath = 4095;
constexpr std::size_t kMaxName = 255;

/// The name as far as it can be shown on a terminal.
std::string printable(std::string_view text) {
  std::string shown{text.substr(0, 200)};
  std::ranges::replace_if(
      shown, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return shown;
}

bool has_control_character(std::string_view name) {
  return std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

Result<std::string> canonical_path(std::string_view path) {
  if (path.size() > kMaxPath)
    return fail(ErrorCode::malformed, "a path in the root file system is too long", printable(path));
  std::string canonical;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    const auto name = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (name.empty() || name == ".") continue;
    if (name == "..")
      return fail(ErrorCode::malformed, "a path in the root file system has '..' in it", canonical);
    if (name.size() > kMaxName || has_control_character(name))
      return fail(ErrorCode::malformed,
                  "a name in the root file system is too long or has control characters", printable(name));
    if (!canonical.empty()) canonical += '/';
    canonical += name;
  }
  return canonical;
}

}  // namespace sealift::image
