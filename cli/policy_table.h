// SPDX-License-Identifier: Apache-2.0
/// A table of a policy file, read strictly.
#pragma once

#include <fmt/core.h>

#include <toml++/toml.h>
#include <chrono>
#include <limits>
#include <set>

#include "cli/inputs.h"

namespace sealift::cli {

/// One table, whose members are taken one by one; what nobody took is refused at the end.
class PolicyTable {
 public:
  PolicyTable(const toml::table& table, std::string way) : table_{table}, way_{std::move(way)} {}

  std::string way_to(std::string_view member) const { return fmt::format("{}.{}", way_, member); }
  tl::unexpected<Error> refuse(std::string_view member, std::string_view why) const {
    return fail(ErrorCode::invalid_argument, fmt::format("{} {}", way_to(member), why), way_to(member));
  }
  const toml::node* take(std::string_view member) {
    taken_.emplace(member);
    return table_.get(member);
  }
  Result<std::string> text(std::string_view member, std::string fallback) {
    const auto* const node = take(member);
    if (node == nullptr) return fallback;
    const auto value = node->value_exact<std::string>();
    if (!value) return refuse(member, "is not a text");
    return *value;
  }
  Result<bool> flag(std::string_view member) {
    const auto* const node = take(member);
    if (node == nullptr) return false;
    const auto value = node->value_exact<bool>();
    if (!value) return refuse(member, "is neither true nor false");
    return *value;
  }
  Result<std::vector<std::string>> texts(std::string_view member) {
    std::vector<std::string> all;
    const auto* const node = take(member);
    if (node == nullptr) return all;
    const auto* const list = node->as_array();
    if (list == nullptr) return refuse(member, "is not a list of texts");
    for (const auto& each : *list) {
      auto value = each.value_exact<std::string>();
      if (!value) return refuse(member, "is not a list of texts");
      all.push_back(std::move(*value));
    }
    return all;
  }
  Result<std::vector<Path>> paths(std::string_view member, const Path& folder) {
    SEALIFT_TRY(const auto names, texts(member));
    std::vector<Path> all;
    all.reserve(names.size());
    for (const auto& name : names) all.push_back(folder / name);
    return all;
  }
  /// 0 where it is not there.
  Result<std::uint32_t> count(std::string_view member) {
    const auto* const node = take(member);
    if (node == nullptr) return 0U;
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < 1 || *value > std::numeric_limits<std::uint32_t>::max())
      return refuse(member, "is not a number from 1 on");
    return static_cast<std::uint32_t>(*value);
  }
  /// Seconds since 1970; 0 where it is not there.
  Result<std::int64_t> time(std::string_view member) {
    const auto* const node = take(member);
    if (node == nullptr) return 0;
    const auto value = node->value_exact<toml::date_time>();
    if (!value || !value->offset)
      return refuse(member, "is not a time with its zone, like 2026-06-01T00:00:00Z");
    const std::chrono::year_month_day day{std::chrono::year{value->date.year},
                                          std::chrono::month{value->date.month},
                                          std::chrono::day{value->date.day}};
    if (!day.ok()) return refuse(member, "is no day that there is");
    using std::chrono::hours;
    using std::chrono::minutes;
    using std::chrono::seconds;
    const auto time = std::chrono::sys_days{day} + hours{value->time.hour} + minutes{value->time.minute} +
                      seconds{value->time.second} - minutes{value->offset->minutes};
    return time.time_since_epoch().count();
  }
  Status expect_end() const {
    for (const auto& [key, value] : table_) {
      if (!taken_.contains(key.str())) return refuse(key.str(), "is nothing that a policy has");
    }
    return {};
  }

 private:
  const toml::table& table_;
  std::string way_;
  std::set<std::string, std::less<>> taken_;
};

}  // namespace sealift::cli
