// SPDX-License-Identifier: Apache-2.0
#include "json/object.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "crypto/base64.h"

namespace sealift::json {
namespace {

using Json = nlohmann::json;

/// Watches the parser for what is JSON but not ours.
class Watch {
 public:
  explicit Watch(int depth) : depth_{depth} {}

  /// False from the first fault on: the parser throws away what follows.
  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start) open_.emplace_back();
    if (event == Event::object_start || event == Event::array_start) strict_ = strict_ && depth < depth_;
    if (event == Event::key)
      strict_ = open_.back().insert(parsed.get_ref<const std::string&>()).second && strict_;
    if (event == Event::object_end) open_.pop_back();
    return strict_;
  }
  bool strict() const noexcept { return strict_; }

 private:
  int depth_;
  bool strict_ = true;
  std::vector<std::set<std::string>> open_;  ///< members seen, of each object that has not ended
};

}  // namespace

struct Object::Members {
  Json value;

  /// Null where there is none: no member of ours is ever null.
  Json take(std::string_view member) {
    const auto found = value.find(member);
    if (found == value.end()) return {};
    Json taken = std::move(*found);
    value.erase(found);
    return taken;
  }
};

Object::Object(std::unique_ptr<Members> members, std::string what, std::string way)
    : members_{std::move(members)}, what_{std::move(what)}, way_{std::move(way)} {}
Object::Object(Object&& other) noexcept = default;
Object& Object::operator=(Object&& other) noexcept = default;
Object::~Object() = default;

Result<Object> Object::parse(ByteView text, std::string what, const Limits& limits) {
  if (text.size() > limits.size)
    return fail(ErrorCode::too_large, fmt::format("{} is larger than {} KiB", what, limits.size / 1024));
  Watch watch{limits.depth};
  const bool ends_early = std::ranges::find(text, 0) != text.end();  // nlohmann takes a NUL for the end
  auto value = ends_early
                   ? Json{Json::value_t::discarded}
                   : Json::parse(text.begin(), text.end(), std::ref(watch), /*allow_exceptions=*/false);
  if (!watch.strict() || !value.is_object())
    return fail(ErrorCode::malformed, what + " is not one JSON object with each member once");
  return Object{std::make_unique<Members>(Members{std::move(value)}), std::move(what), {}};
}

bool Object::has(std::string_view member) const { return members_->value.contains(member); }

std::string Object::way_to(std::string_view member) const { return way_ + std::string{member}; }

tl::unexpected<Error> Object::refuse(std::string_view member, std::string_view why) const {
  auto way = way_to(member);
  return fail(ErrorCode::malformed, fmt::format("the member \"{}\" of {} {}", way, what_, why), way);
}

Result<std::string> Object::take_text(std::string_view member) {
  auto value = members_->take(member);
  if (value.is_null()) return refuse(member, "is missing");
  if (!value.is_string()) return refuse(member, "is not a string");
  return std::move(value.get_ref<std::string&>());
}

Result<std::uint64_t> Object::take_number(std::string_view member, std::uint64_t least, std::uint64_t most) {
  const auto value = members_->take(member);
  if (value.is_null()) return refuse(member, "is missing");
  const auto number = value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
  if (!value.is_number_unsigned() || number < least || number > most)
    return refuse(member, fmt::format("is not a whole number from {} to {}", least, most));
  return number;
}

Result<bool> Object::take_boolean(std::string_view member) {
  const auto value = members_->take(member);
  if (value.is_null()) return refuse(member, "is missing");
  if (!value.is_boolean()) return refuse(member, "is not true or false");
  return value.get<bool>();
}

Result<std::vector<std::string>> Object::take_texts(std::string_view member, std::size_t least,
                                                    std::size_t most) {
  auto value = members_->take(member);
  if (value.is_null()) return refuse(member, "is missing");
  if (!value.is_array() || value.size() < least || value.size() > most)
    return refuse(member, fmt::format("is not a list of {} to {}", least, most));
  std::vector<std::string> texts;
  for (auto& entry : value) {
    if (!entry.is_string()) return refuse(member, "holds something else than strings");
    texts.push_back(std::move(entry.get_ref<std::string&>()));
  }
  return texts;
}

Result<Object> Object::take_inner(std::string_view member, std::string what, std::string way) {
  auto value = members_->take(member);
  if (value.is_null()) return refuse(member, "is missing");
  if (!value.is_object()) return refuse(member, "is not an object");
  return Object{std::make_unique<Members>(Members{std::move(value)}), std::move(what), std::move(way)};
}

Result<Object> Object::take_object(std::string_view member) {
  return take_inner(member, what_, way_to(member) + ".");
}

Result<Object> Object::take_object(std::string_view member, std::string what) {
  return take_inner(member, std::move(what), {});
}

Result<std::int64_t> Object::take_seconds(std::string_view member) {
  constexpr std::uint64_t kYear9999 = 253402300799;
  SEALIFT_TRY(const auto seconds, take_number(member, 0, kYear9999));
  return static_cast<std::int64_t>(seconds);
}

Result<Bytes> Object::take_hex(std::string_view member, std::size_t size) {
  SEALIFT_TRY(const auto text, take_text(member));
  auto bytes = from_hex(text);
  if (!bytes || bytes->size() != size)
    return refuse(member, fmt::format("is not {} bytes in hexadecimal", size));
  return bytes;
}

Result<Bytes> Object::take_base64(std::string_view member) {
  SEALIFT_TRY(const auto text, take_text(member));
  auto bytes = crypto::from_base64(text);
  if (!bytes || bytes->empty()) return refuse(member, "is not base64");
  return bytes;
}

Status Object::take_format(std::string_view format) {
  SEALIFT_TRY(const auto shown, take_text("format"));
  if (shown == format) return {};
  return refuse("format", fmt::format("is not \"{}\"", format));
}

Status Object::expect_only(std::initializer_list<std::string_view> known) const {
  for (const auto& [name, value] : members_->value.items()) {
    if (std::ranges::find(known, name) == known.end()) return refuse(name, "is not known");
  }
  return {};
}

Status Object::expect_end() const { return expect_only({}); }

}  // namespace sealift::json
