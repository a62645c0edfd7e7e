// SPDX-License-Identifier: Apache-2.0
/// What a lying host does in an SEV launch, for trying that each lie is found.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace sealift::cli {

struct HostLies {
  std::filesystem::path firmware{};  ///< what it starts instead; empty: what it should
  std::filesystem::path kernel{};
  std::filesystem::path initramfs{};
  std::optional<std::string> cmdline{};
  std::optional<std::uint32_t> policy{};
  std::optional<Bytes> measurement{};  ///< what it shows instead: one that it has seen before
  bool alters_packet = false;          ///< one bit of the secret, on its way into the PSP
};

/// "firmware=FILE", "kernel=FILE", "initramfs=FILE", "cmdline=TEXT", "policy=N", "measurement=BASE64",
/// "packet=altered".
Result<HostLies> parse_lies(const std::vector<std::string>& words);

/// Decimal, or hexadecimal after 0x; invalid_argument at `option`.
Result<std::uint32_t> parse_policy(const std::string& text, const std::string& option);

}  // namespace sealift::cli
