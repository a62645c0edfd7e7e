// SPDX-License-Identifier: Apache-2.0
/// What an untrusted host agent hands to the ultravisor: the image's files as they are. Nothing is checked
/// here, so that what the ultravisor says is what an attacker would hear.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "services/ultravisor/api/messages.h"

namespace sealift::cli {

/// What replaces the image's own.
struct LaunchChanges {
  std::filesystem::path kernel;
  std::filesystem::path initramfs;
  std::optional<std::string> cmdline;
  std::uint32_t memory_mib = 0;  ///< 0: what the manifest says
  std::uint32_t cpus = 1;
};

/// Everything but the console. `scratch` gets the overlay that takes the guest's writes.
Result<ultravisor::LaunchRequest> prepare_launch(const std::filesystem::path& image,
                                                 const LaunchChanges& changes,
                                                 const std::filesystem::path& scratch);

}  // namespace sealift::cli
