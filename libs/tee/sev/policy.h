// SPDX-License-Identifier: Apache-2.0
/// What a guest's owner lets the machine do with it (AMD 55766, chapter 3). LAUNCH_START gets it twice:
/// openly from the host, and under the session's MAC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tee/sev/certificate.h"

namespace sealift::sev {

enum class PolicyBit : std::uint8_t {
  no_debug = 0,        ///< NODBG: DBG_DECRYPT and DBG_ENCRYPT would read and write the guest's memory
  no_key_sharing = 1,  ///< NOKS
  es = 2,              ///< ES: registers are encrypted and measured, too
  no_send = 3,         ///< NOSEND
  domain = 4,          ///< DOMAIN: sent only to machines of the same owner
  sev = 5,             ///< SEV: sent only to AMD machines
};

/// "NODBG" and the like; nothing for what AMD does not name so.
std::optional<PolicyBit> policy_bit(std::string_view name) noexcept;

class Policy {
 public:
  explicit constexpr Policy(std::uint32_t value) noexcept : value_{value} {}
  constexpr std::uint32_t value() const noexcept { return value_; }
  constexpr bool has(PolicyBit bit) const noexcept {
    return (value_ >> static_cast<unsigned>(bit) & 1U) != 0;
  }
  /// The firmware must be at least this new: bits 16 to 23 and 24 to 31.
  constexpr ApiVersion minimum_api() const noexcept {
    return {static_cast<std::uint8_t>(value_ >> 16U), static_cast<std::uint8_t>(value_ >> 24U)};
  }
  /// "NODBG|ES, API 0.24 or later"
  std::string text() const;
  constexpr bool operator==(const Policy&) const noexcept = default;

 private:
  std::uint32_t value_;
};

/// Refuses a policy under which the host reads the guest: sev_policy_refused at "policy.NODBG",
/// "policy.NOKS".
Status check_keeps_secrets(Policy policy);

}  // namespace sealift::sev
