// SPDX-License-Identifier: Apache-2.0
/// Results that are several files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::cli {

struct NewFile {
  std::string name;
  ByteView content;
};

/// Writes the files into `directory`, which is made where it is missing; files of these names are replaced,
/// others left alone. All of them are written and synced before the first takes its name; on failure none
/// stays, nor a directory made for them.
Status write_files(const std::filesystem::path& directory, const std::vector<NewFile>& files);

}  // namespace sealift::cli
