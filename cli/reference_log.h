// SPDX-License-Identifier: Apache-2.0
/// The event log of an approved machine, kept in the image so that a host can explain a refused PCR value.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace sealift::cli {

inline constexpr std::string_view kReferenceLogFile = "reference.eventlog";

/// Copies it into the image where another is there now. Not synced: no verdict depends on it.
Status keep_reference_log(const std::filesystem::path& image, const std::filesystem::path& log);

}  // namespace sealift::cli
