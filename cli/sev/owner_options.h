// SPDX-License-Identifier: Apache-2.0
/// What the owner of an SEV image approves of, as options of a command say it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/inputs.h"
#include "guest/image/owner.h"
#include "tee/sev/backend.h"

namespace sealift::cli {

struct OwnerOptions {
  Path owner;
  Path firmware;
  std::vector<Path> other_firmware;
  std::vector<std::string> trusted;
  std::string policy = "3";
  std::string minimum_api;  ///< "1.51"
  std::uint32_t minimum_build = 0;
  std::string cpu = "EPYC";  ///< QEMU's model, which ES measures

  /// Nothing was said but the owner, or not even that.
  bool says_no_terms() const;
};

/// --owner, --firmware, --other-firmware, --trust-ark, --sev-policy, --minimum-api and --minimum-build.
void declare_owner(Command& command, OwnerOptions& options);

/// "1.51"; invalid_argument at "--minimum-api".
Result<sev::ApiVersion> parse_api_version(const std::string& text);

/// The roots that --trust-ark names, or AMD's own.
Result<std::vector<sev::PinnedRoot>> pinned_roots(const std::vector<std::string>& trusted);

struct SevOwner {
  image::Owner owner;
  sev::LaunchPolicy policy;
};
/// What the guest gets.
struct GuestSize {
  std::uint32_t cpus = 1;
  std::uint32_t memory_mib = 0;  ///< 0: not known
};
/// `image`, where the image's files are at hand: then a refusal says which input differs.
Result<SevOwner> read_sev_owner(const OwnerOptions& options, const std::optional<Path>& image,
                                const GuestSize& size);

}  // namespace sealift::cli
