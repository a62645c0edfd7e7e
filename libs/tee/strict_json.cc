// SPDX-License-Identifier: Apache-2.0
#include "tee/strict_json.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "crypto/base64.h"

namespace sealift::tee {
namespace {

constexpr std::size_t kSizeLimit = 128 * 1024;
constexpr std::size_t kMemberLimit = 32;

/// Collects the members of one flat object; every other event ends the parse.
class Collector {
 public:
  using Value = std::variant<std::string, std::int64_t>;

  static bool null() { return false; }
  static bool boolean(bool) { return false; }
  static bool number_float(double, const std::string&) { return false; }
  static bool start_array(std::size_t) { return false; }
  static bool end_array() { return false; }
  static bool binary(Bytes&) { return false; }
  static bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) { return false; }
  bool number_integer(std::int64_t value) { return add(value); }
  bool number_unsigned(std::uint64_t value) {
    return value <= INT64_MAX && add(static_cast<std::int64_t>(value));
  }
  bool string(std::string& value) { return add(std::move(value)); }
  bool start_object(std::size_t) { return depth_++ == 0; }
  bool end_object() { return true; }
  bool key(std::string& value) {
    key_ = std::move(value);
    return members.size() < kMemberLimit;
  }

  std::map<std::string, Value> members;

 private:
  bool add(Value value) { return depth_ == 1 && members.emplace(key_, std::move(value)).second; }
  int depth_ = 0;
  std::string key_;
};

}  // namespace

Result<StrictJson> StrictJson::parse(std::string_view text, std::string what) {
  if (text.size() > kSizeLimit) return fail(ErrorCode::too_large, what + " is larger than 128 KiB");
  Collector collector;
  if (!nlohmann::json::sax_parse(text, &collector)) {
    return fail(ErrorCode::malformed, what + " is not one flat JSON object with each member once");
  }
  return StrictJson{std::move(collector.members), std::move(what)};
}

tl::unexpected<Error> StrictJson::refuse(const std::string& member, std::string_view why) const {
  return fail(ErrorCode::malformed, fmt::format("the member \"{}\" of {} {}", member, what_, why), member);
}

Result<std::string> StrictJson::take_string(const std::string& member) {
  auto node = members_.extract(member);
  if (node.empty()) return refuse(member, "is missing");
  auto* const text = std::get_if<std::string>(&node.mapped());
  if (text == nullptr) return refuse(member, "is not a string");
  return std::move(*text);
}

Result<std::int64_t> StrictJson::take_seconds(const std::string& member) {
  constexpr std::int64_t kYear9999 = 253402300799;
  const auto node = members_.extract(member);
  if (node.empty()) return refuse(member, "is missing");
  const auto* const number = std::get_if<std::int64_t>(&node.mapped());
  if (number == nullptr || *number < 0 || *number > kYear9999)
    return refuse(member, "is not a time in seconds");
  return *number;
}

Result<Bytes> StrictJson::take_base64(const std::string& member) {
  SEALIFT_TRY(const auto text, take_string(member));
  auto bytes = crypto::from_base64(text);
  if (!bytes || bytes->empty()) return refuse(member, "is not base64");
  return bytes;
}

Result<Bytes> StrictJson::take_hex(const std::string& member, std::size_t size) {
  SEALIFT_TRY(const auto text, take_string(member));
  auto bytes = from_hex(text);
  if (!bytes || bytes->size() != size)
    return refuse(member, fmt::format("is not {} hexadecimal bytes", size));
  return bytes;
}

Status StrictJson::take_format(std::string_view format) {
  SEALIFT_TRY(const auto shown, take_string("format"));
  if (shown == format) return {};
  return refuse("format", fmt::format("is not \"{}\"", format));
}

Status StrictJson::expect_empty() const {
  if (members_.empty()) return {};
  return refuse(members_.begin()->first, "is not known");
}

}  // namespace sealift::tee
