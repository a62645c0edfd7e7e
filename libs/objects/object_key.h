// SPDX-License-Identifier: Apache-2.0
/// Names in the object store. Two kinds, and nothing else can be named:
///   sha512/<128 lower-case hex digits>   what never changes: the key is the content's digest
///   heads/<launch id>                    one launch's head archive, with its sealed data (adr/0011);
///                                        or one that is sealed to a set of hosts (adr/0026)
/// A key is not a permission: who may use which object is the front end's and the orchestrator's to decide.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/digest.h"

namespace sealift::objects {

class ObjectKey {
 public:
  /// `sha512` is 64 bytes long.
  static ObjectKey content(const crypto::Digest& sha512);
  /// 1 to 64 of a-z, 0-9 and '-', a letter or digit first. invalid_argument.
  static Result<ObjectKey> head(std::string_view launch_id);
  /// invalid_argument.
  static Result<ObjectKey> parse(std::string_view text);

  /// Also its path below the store's root: it has exactly one '/', and no part of it starts with '.'.
  const std::string& text() const noexcept { return text_; }
  /// What the content must hash to; none for a head.
  std::optional<crypto::Digest> digest() const;
  bool operator==(const ObjectKey&) const = default;

 private:
  explicit ObjectKey(std::string text) : text_{std::move(text)} {}
  std::string text_;
};

}  // namespace sealift::objects
