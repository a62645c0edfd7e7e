// SPDX-License-Identifier: Apache-2.0
/// An empty ext4 file system, by mke2fs.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/file.h"

namespace sealift::image {

inline constexpr std::uint32_t kBlockSize = 4096;

/// What the files of a tree need.
struct TreeSize {
  std::uint64_t entries = 0;
  std::uint64_t blocks = 0;         ///< of content, directories, long links and attributes
  std::uint64_t content_bytes = 0;  ///< for the progress bar
};

/// Bytes of a file system for that and `free_space` more.
std::uint64_t file_system_size(const TreeSize& tree, std::uint64_t free_space);

/// A sparse file in `directory`, without a name, with an empty file system of `size` bytes and inodes for
/// `tree`. dependency_missing where there is no mke2fs (Debian: e2fsprogs).
Result<UniqueFd> make_empty_ext4(const std::filesystem::path& directory, std::uint64_t size,
                                 const TreeSize& tree);

}  // namespace sealift::image
