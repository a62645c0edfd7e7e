// SPDX-License-Identifier: Apache-2.0
#include "objects/object_key.h"

#include <algorithm>
#include <cassert>

namespace sealift::objects {
namespace {

constexpr std::string_view kContent = "sha512/";
constexpr std::string_view kHeads = "heads/";
constexpr std::size_t kDigestSize = 64;
constexpr std::size_t kMaxLaunchId = 64;
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";

bool all_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_launch_id(std::string_view id) {
  if (id.empty() || id.size() > kMaxLaunchId || id.front() == '-') return false;
  return std::ranges::all_of(id,
                             [](char c) { return c == '-' || kLetters.find(c) != std::string_view::npos; });
}

}  // namespace

ObjectKey ObjectKey::content(const crypto::Digest& sha512) {
  assert(sha512.size() == kDigestSize);
  return ObjectKey{std::string{kContent} + to_hex(sha512.view())};
}

Result<ObjectKey> ObjectKey::head(std::string_view launch_id) {
  if (!is_launch_id(launch_id))
    return fail(ErrorCode::invalid_argument, "a launch id has 1 to 64 of a-z, 0-9 and '-'", "launch_id");
  return ObjectKey{std::string{kHeads}.append(launch_id)};
}

Result<ObjectKey> ObjectKey::parse(std::string_view text) {
  if (text.starts_with(kHeads)) return head(text.substr(kHeads.size()));
  if (text.starts_with(kContent)) {
    const auto digits = text.substr(kContent.size());
    if (digits.size() == 2 * kDigestSize && all_of(digits, kHexDigits)) return ObjectKey{std::string{text}};
  }
  return fail(ErrorCode::invalid_argument, "an object's key is sha512/<128 hex digits> or heads/<launch id>",
              "key");
}

std::optional<crypto::Digest> ObjectKey::digest() const {
  if (!text_.starts_with(kContent)) return std::nullopt;
  return crypto::Digest{*from_hex(std::string_view{text_}.substr(kContent.size()))};
}

}  // namespace sealift::objects
