// SPDX-License-Identifier: Apache-2.0
/// What is to be known of an ext4 file system in a file without mounting it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::image {

struct Ext4Geometry {
  std::uint64_t size;        ///< bytes: blocks by block size
  std::uint32_t block_size;  ///< bytes
};

/// Nothing where `fd` holds no ext2, ext3 or ext4 superblock.
Result<std::optional<Ext4Geometry>> read_ext4_geometry(int fd);

/// A regular file's content, symbolic links followed inside of the file system. not_found, too_large.
Result<Bytes> read_ext4_file(int fd, const std::string& path, std::size_t limit);

}  // namespace sealift::image
