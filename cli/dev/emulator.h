// SPDX-License-Identifier: Apache-2.0
/// sealift-emulator, run for its JSON.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/output.h"

namespace sealift::cli {

/// Its document, or its own error. `machines`: the machines directory, empty for the default one.
Result<Json> run_emulator(std::vector<std::string> words, const std::filesystem::path& machines);

}  // namespace sealift::cli
