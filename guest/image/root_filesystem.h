// SPDX-License-Identifier: Apache-2.0
/// A root file system as one ext4 file system in a file, made without root rights: whatever the source says
/// of owners, modes, devices, links and extended attributes is written into the file system, never to the
/// disk.
///
/// A source is
/// - a tarball, in any compression that libarchive reads: the exact route, as owners are in the archive;
/// - a directory: owners are those on the disk, so that of another user's only what root may read is
/// complete;
/// - a disk image that is one ext4 file system: used as it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/file.h"
#include "guest/image/job.h"

namespace sealift::image {

struct RootFilesystemOptions {
  /// Size of the file system in bytes; what the files need and `free_space` on top where it is not given.
  std::optional<std::uint64_t> size;
  std::uint64_t free_space = 64 << 20;
};

class RootFilesystem {
 public:
  /// `directory` is where the temporary file goes; it has no name there and is gone when this object is.
  /// malformed (naming the entry) for what must not be in a root file system: "..", control characters in a
  /// name, a link to nothing, a file through a symbolic link.
  static Result<RootFilesystem> create(const std::filesystem::path& source,
                                       const RootFilesystemOptions& options,
                                       const std::filesystem::path& directory, const Job& job);

  int fd() const noexcept { return fd_.get(); }
  /// Bytes, a multiple of 4096.
  std::uint64_t size() const noexcept { return size_; }
  /// Bytes per block of the file system: 1024 to 65536.
  std::uint32_t block_size() const noexcept { return block_size_; }

  /// The content of a regular file, symbolic links followed inside of the file system ("/sbin/cryptsetup" on
  /// a merged /usr). not_found, or too_large beyond `limit`.
  Result<Bytes> read_file(const std::string& path, std::size_t limit) const;

 private:
  RootFilesystem(UniqueFd fd, std::uint64_t size, std::uint32_t block_size) noexcept
      : fd_{std::move(fd)}, size_{size}, block_size_{block_size} {}
  UniqueFd fd_;
  std::uint64_t size_;
  std::uint32_t block_size_;
};

}  // namespace sealift::image
