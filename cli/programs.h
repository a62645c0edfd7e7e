// SPDX-License-Identifier: Apache-2.0
/// Sealift's other programs, found from where this one is.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace sealift::cli {

/// Beside this executable, or in ../libexec/sealift. dependency_missing.
Result<std::filesystem::path> find_program(const std::string& name);

/// Becomes that program, with these arguments; comes back only where that failed.
Status become_program(const std::string& name, std::vector<std::string> arguments);

}  // namespace sealift::cli
