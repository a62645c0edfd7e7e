// SPDX-License-Identifier: Apache-2.0
/// How a host calls an instance: the launch and which attempt at it. Its text is a directory's name and the
/// id at the ultravisor, so it is checked before it is anything.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sealift::agent {

class InstanceName {
 public:
  /// `launch_id`: 1 to 48 of a-z 0-9 -, a letter or digit first; `attempt` from 1. invalid_argument.
  static Result<InstanceName> make(std::string_view launch_id, std::uint32_t attempt);
  /// What text() writes. invalid_argument.
  static Result<InstanceName> parse(std::string_view text);

  const std::string& launch_id() const noexcept { return launch_id_; }
  std::uint32_t attempt() const noexcept { return attempt_; }
  /// "LAUNCH.ATTEMPT"
  std::string text() const { return launch_id_ + "." + std::to_string(attempt_); }
  auto operator<=>(const InstanceName&) const = default;

 private:
  InstanceName(std::string launch_id, std::uint32_t attempt)
      : launch_id_{std::move(launch_id)}, attempt_{attempt} {}
  std::string launch_id_;
  std::uint32_t attempt_;
};

}  // namespace sealift::agent
