// SPDX-License-Identifier: Apache-2.0
/// A policy as a file that people read, write and review: on which hosts, in which state, until when an image
/// may be opened. TOML (docs/formats/policy.md); paths in it are relative to the file.
#pragma once

#include <filesystem>
#include <optional>

#include "base/result.h"
#include "cli/sev/owner_options.h"
#include "sealift/v1/security_module.pb.h"

namespace sealift::cli {

struct PolicyFile {
  /// For SEV without its `sev`, which takes an image as well: put_launch_secret() adds it.
  v1::SeedPolicy seed;
  std::optional<OwnerOptions> sev;  ///< for SEV, and there alone; without an owner
};

/// Strict: what the file has that we do not know is refused, with the field "policy.<member>".
/// invalid_argument for a wrong value, malformed for what is no TOML, and what reading the files brings that
/// it names.
Result<PolicyFile> read_policy_file(const std::filesystem::path& path);

}  // namespace sealift::cli
