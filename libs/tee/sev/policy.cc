// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/policy.h"

#include <fmt/core.h>

#include <utility>

namespace sealift::sev {
namespace {

constexpr std::pair<PolicyBit, const char*> kNames[]{
    {PolicyBit::no_debug, "NODBG"}, {PolicyBit::no_key_sharing, "NOKS"}, {PolicyBit::es, "ES"},
    {PolicyBit::no_send, "NOSEND"}, {PolicyBit::domain, "DOMAIN"},       {PolicyBit::sev, "SEV"},
};

}  // namespace

std::optional<PolicyBit> policy_bit(std::string_view name) noexcept {
  for (const auto& [bit, its_name] : kNames)
    if (name == its_name) return bit;
  return std::nullopt;
}

std::string Policy::text() const {
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if (!has(bit)) continue;
    if (!text.empty()) text += '|';
    text += name;
  }
  if (text.empty()) text = "no restriction";
  const auto api = minimum_api();
  if (api != ApiVersion{}) text += fmt::format(", API {}.{} or later", api.major, api.minor);
  return text;
}

Status check_keeps_secrets(Policy policy) {
  for (const auto& [bit, name] : kNames) {
    if (bit != PolicyBit::no_debug && bit != PolicyBit::no_key_sharing) continue;
    if (policy.has(bit)) continue;
    return fail(
        ErrorCode::sev_policy_refused,
        fmt::format("the policy {:#x} lacks {}, so the host could read the guest", policy.value(), name),
        fmt::format("policy.{}", name));
  }
  return {};
}

}  // namespace sealift::sev
