// SPDX-License-Identifier: Apache-2.0
#include "cli/sev/host_lies.h"

#include <fmt/core.h>

#include <charconv>

#include "crypto/base64.h"

namespace sealift::cli {
namespace {

constexpr const char* kOption = "--lie";

Status take(const std::string& name, const std::string& value, HostLies& lies) {
  if (name == "firmware") {
    lies.firmware = value;
  } else if (name == "kernel") {
    lies.kernel = value;
  } else if (name == "initramfs") {
    lies.initramfs = value;
  } else if (name == "cmdline") {
    lies.cmdline = value;
  } else if (name == "policy") {
    SEALIFT_TRY(lies.policy, parse_policy(value, kOption));
  } else if (name == "measurement") {
    SEALIFT_TRY(lies.measurement, crypto::from_base64(value));
  } else if (name == "packet" && value == "altered") {
    lies.alters_packet = true;
  } else {
    return fail(ErrorCode::invalid_argument, fmt::format("a host does not lie about {}={}", name, value),
                kOption);
  }
  return {};
}

}  // namespace

Result<std::uint32_t> parse_policy(const std::string& text, const std::string& option) {
  const bool hex = text.starts_with("0x");
  const auto* const begin = text.data() + (hex ? 2 : 0);
  const auto* const end = text.data() + text.size();
  std::uint32_t value = 0;
  const auto [stop, error] = std::from_chars(begin, end, value, hex ? 16 : 10);
  if (error == std::errc{} && stop == end) return value;
  return fail(ErrorCode::invalid_argument, option + " wants a policy of 32 bits, not " + text, option);
}

Result<HostLies> parse_lies(const std::vector<std::string>& words) {
  HostLies lies;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) return fail(ErrorCode::invalid_argument, "a lie is NAME=VALUE", kOption);
    SEALIFT_CHECK(take(word.substr(0, equals), word.substr(equals + 1), lies));
  }
  return lies;
}

}  // namespace sealift::cli
