// SPDX-License-Identifier: Apache-2.0
/// The small JSON files of a machine.
#pragma once

#include <filesystem>

#include "json/object.h"

namespace sealift::emulator {

/// Errors name the file.
Result<json::Object> read_json_file(const std::filesystem::path& file);

}  // namespace sealift::emulator
