// SPDX-License-Identifier: Apache-2.0
/// `sealift demo`: the main job on one machine, with the commands that a user would type, and every refusal.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace sealift::cli {

struct DemoOptions {
  std::filesystem::path program;   ///< the running sealift
  std::filesystem::path root;      ///< a Debian root file system, as guest/fetch-debian makes it
  std::filesystem::path kernel;    ///< Debian's kernel package
  std::string tee = "measured";    ///< or "pef", "sev"
  std::filesystem::path firmware;  ///< for sev: what guest/firmware/build-amdsev makes
  bool colour = false;
  bool json = false;  ///< one document at the end instead of the play
};

/// Fails where a step that must succeed failed, or a verdict was not the expected one.
Status run_demo(const DemoOptions& options);

}  // namespace sealift::cli
