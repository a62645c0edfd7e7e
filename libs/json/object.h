// SPDX-License-Identifier: Apache-2.0
/// Our own small JSON documents, read strictly: everybody who reads one reads it here. What is written by
/// others for others (JSON of a library's making, another program's output) is not this header's business.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::json {

struct Limits {
  std::size_t size;  ///< bytes of the document
  int depth = 1;     ///< objects and lists within each other; 1 is a flat object
};

/// One JSON object, whose members are taken one by one; what nobody took is refused at the end. Every refusal
/// is `malformed`, and its field is the member, with the way to it: "kernel.size".
class Object {
 public:
  /// `what` is for messages: "the manifest". too_large; malformed, without a field, for what is not exactly
  /// one object, goes deeper than allowed, or has a member twice anywhere: which one counts is a matter of
  /// taste.
  static Result<Object> parse(ByteView text, std::string what, const Limits& limits);
  Object(Object&& other) noexcept;
  Object& operator=(Object&& other) noexcept;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  ~Object();

  bool has(std::string_view member) const;

  // Each takes the member out; refused where it is missing or of another type.
  Result<std::string> take_text(std::string_view member);
  /// A whole number without sign, fraction or exponent, from `least` to `most`.
  Result<std::uint64_t> take_number(std::string_view member, std::uint64_t least, std::uint64_t most);
  Result<bool> take_boolean(std::string_view member);
  /// A list of `least` to `most` texts.
  Result<std::vector<std::string>> take_texts(std::string_view member, std::size_t least, std::size_t most);
  Result<Object> take_object(std::string_view member);
  /// The same by a name of its own, from which the ways to its members begin.
  Result<Object> take_object(std::string_view member, std::string what);
  /// Seconds since 1970, at most those of the year 9999.
  Result<std::int64_t> take_seconds(std::string_view member);
  /// Text that is hexadecimal and stands for exactly `size` bytes.
  Result<Bytes> take_hex(std::string_view member, std::size_t size);
  /// Text that is base64 and stands for at least one byte.
  Result<Bytes> take_base64(std::string_view member);
  /// The member "format" must be `format`.
  Status take_format(std::string_view format);

  /// Refuses a member that is not one of `known`: before any is taken, where a wrong name matters more than
  /// the right one that is missing.
  Status expect_only(std::initializer_list<std::string_view> known) const;
  /// Refuses what was not taken.
  Status expect_end() const;
  /// The refusal of `member`: "is not a UUID".
  tl::unexpected<Error> refuse(std::string_view member, std::string_view why) const;

 private:
  struct Members;
  Object(std::unique_ptr<Members> members, std::string what, std::string way);
  std::string way_to(std::string_view member) const;
  Result<Object> take_inner(std::string_view member, std::string what, std::string way);
  std::unique_ptr<Members> members_;
  std::string what_;
  std::string way_;
};

}  // namespace sealift::json
