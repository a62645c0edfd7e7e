// SPDX-License-Identifier: Apache-2.0
/// For tests: AMD's published certificates, where they are.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>

namespace sealift::sev {

/// AMD's published certificates lie beside the checkout, or where SEALIFT_AMD_VECTORS says; nullopt where
/// they do not.
inline std::optional<std::filesystem::path> amd_vectors() {
  const char* const named = std::getenv("SEALIFT_AMD_VECTORS");
  const std::filesystem::path path =
      named != nullptr ? std::filesystem::path{named}
                       : std::filesystem::path{SEALIFT_SOURCE_DIR}.parent_path() / "shared/vectors";
  if (!std::filesystem::exists(path / "amd-roots")) return std::nullopt;
  return path;
}

}  // namespace sealift::sev
