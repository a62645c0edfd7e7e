// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/instance_name.h"

#include <algorithm>
#include <charconv>

namespace sealift::agent {
namespace {

constexpr std::size_t kMaxLaunchId = 48;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

Result<InstanceName> InstanceName::make(std::string_view launch_id, std::uint32_t attempt) {
  const bool good = !launch_id.empty() && launch_id.size() <= kMaxLaunchId &&
                    is_letter_or_digit(launch_id.front()) &&
                    std::ranges::all_of(launch_id, [](char c) { return is_letter_or_digit(c) || c == '-'; });
  if (!good)
    return fail(ErrorCode::invalid_argument, "the launch_id is not 1 to 48 of a-z 0-9 -", "launch_id");
  if (attempt == 0) return fail(ErrorCode::invalid_argument, "attempts are counted from 1", "attempt");
  return InstanceName{std::string{launch_id}, attempt};
}

Result<InstanceName> InstanceName::parse(std::string_view text) {
  const auto dot = text.rfind('.');
  std::uint32_t attempt = 0;
  const auto number = dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
  std::from_chars(number.data(), number.data() + number.size(), attempt);
  SEALIFT_TRY(auto name, make(text.substr(0, dot), attempt));
  if (name.text() != text) return fail(ErrorCode::invalid_argument, "not the name of an instance", "attempt");
  return name;
}

}  // namespace sealift::agent
