// SPDX-License-Identifier: Apache-2.0
/// Private to libs/tee: our own small JSON documents, read strictly. Each member once, flat, strings and
/// whole numbers only, nothing else in them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"

namespace sealift::tee {

class StrictJson {
 public:
  /// `what` is for messages: "the challenge".
  static Result<StrictJson> parse(std::string_view text, std::string what);

  bool has(const std::string& member) const { return members_.contains(member); }
  Result<std::string> take_string(const std::string& member);
  Result<std::int64_t> take_seconds(const std::string& member);
  Result<Bytes> take_base64(const std::string& member);
  /// Of exactly `size` bytes.
  Result<Bytes> take_hex(const std::string& member, std::size_t size);
  /// The member "format" must be `format`.
  Status take_format(std::string_view format);
  /// Refuses what was not taken.
  Status expect_empty() const;
  tl::unexpected<Error> refuse(const std::string& member, std::string_view why) const;

 private:
  using Value = std::variant<std::string, std::int64_t>;
  StrictJson(std::map<std::string, Value> members, std::string what)
      : members_{std::move(members)}, what_{std::move(what)} {}
  std::map<std::string, Value> members_;
  std::string what_;
};

}  // namespace sealift::tee
