// SPDX-License-Identifier: Apache-2.0
/// Results that are several files.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::cli {

struct NewFile {
  std::string name;
  ByteView content;
  mode_t mode = 0644;  ///< 0600 for a secret
};

/// Writes the files into `directory`, which is made where it is missing; files of these names are replaced,
/// others left alone. All of them are written and synced before the first takes its name; on failure none
/// stays, nor a directory made for them.
Status write_files(const std::filesystem::path& directory, const std::vector<NewFile>& files);

struct PlacedFile {
  std::filesystem::path path;
  ByteView content;
};

/// The same for files with places of their own, in directories that are there.
Status write_files(const std::vector<PlacedFile>& files);

}  // namespace sealift::cli
