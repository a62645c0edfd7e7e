// SPDX-License-Identifier: Apache-2.0
/// Writing newc cpio archives (the kernel's Documentation/driver-api/early-userspace/buffer-format.rst),
/// entry by entry, so that a large file never has to be in memory.
///
///   cpio::Writer writer;
///   out << writer.begin({.name = "init", .mode = S_IFREG | 0755, .size = n});
///   out << the n bytes;
///   out << writer.end();
///   out << writer.finish();
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::cpio {

inline constexpr std::size_t kHeaderSize = 110;
inline constexpr std::size_t kBlockSize = 512;     ///< an archive ends on a multiple of it
inline constexpr std::size_t kMaxNameSize = 4096;  ///< with the NUL: the kernel's PATH_MAX

struct Entry {
  std::string name;        ///< relative, without "./": "usr/bin/cat"
  std::uint32_t mode = 0;  ///< type and permissions, as stat(2) has them
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mtime = 0;  ///< 0 keeps archives reproducible
  std::uint64_t size = 0;   ///< of the content; a symbolic link's content is its target
  std::uint32_t rdev_major = 0;
  std::uint32_t rdev_minor = 0;
};

/// One archive. Hard links are not made: every entry has its own inode number.
class Writer {
 public:
  /// Header, name and padding; `entry.size` bytes of content come next, then end(). invalid_argument for an
  /// empty, absolute or over-long name or one with a NUL, too_large for content of 4 GiB or more.
  Result<Bytes> begin(const Entry& entry);
  /// The padding after the content of the last begun entry: 0 to 3 zeros.
  Bytes end();
  /// begin, content and end in one; `entry.size` is set here.
  Result<Bytes> whole(Entry entry, ByteView content = {});
  /// The trailer, and zeros up to the next multiple of kBlockSize. The archive is complete.
  Bytes finish();

  /// Bytes of the archive so far, contents included.
  std::uint64_t offset() const noexcept { return offset_; }

 private:
  std::uint64_t offset_ = 0;
  std::uint32_t next_inode_ = 1;
};

}  // namespace sealift::cpio
