// SPDX-License-Identifier: Apache-2.0
#include "guest/image/tree/ext4_reader.h"

#include <ext2fs/ext2fs.h>

#include <memory>

#include "base/file.h"
#include "guest/image/tree/ext2_error.h"

namespace sealift::image {
namespace {

// The superblock (kernel: Documentation/filesystems/ext4/super.rst), little-endian.
constexpr std::uint64_t kSuperblockOffset = 1024;
constexpr std::size_t kSuperblockSize = 1024;
constexpr std::size_t kBlocksLow = 0x4;
constexpr std::size_t kLogBlockSize = 0x18;
constexpr std::size_t kMagic = 0x38;
constexpr std::size_t kIncompatible = 0x60;
constexpr std::size_t kBlocksHigh = 0x150;
constexpr std::uint32_t kIncompatible64Bit = 0x80;
constexpr std::uint32_t kLargestLogBlockSize = 6;  // 64 KiB

std::uint64_t le32_at(ByteView bytes, std::size_t offset) {
  return ByteReader{bytes.subspan(offset)}.le32().value();
}

struct FileSystemCloser {
  void operator()(struct_ext2_filsys* fs) const noexcept { ext2fs_free(fs); }
};
struct FileCloser {
  void operator()(ext2_file* file) const noexcept { ext2fs_file_close(file); }
};

}  // namespace

Result<std::optional<Ext4Geometry>> read_ext4_geometry(int fd) {
  SEALIFT_TRY(const auto size, file_size(fd));
  if (size < kSuperblockOffset + kSuperblockSize) return std::nullopt;
  Bytes super(kSuperblockSize);
  SEALIFT_CHECK(pread_exact(fd, super, kSuperblockOffset));
  if (ByteReader{ByteView{super}.subspan(kMagic)}.le16().value() != EXT2_SUPER_MAGIC) return std::nullopt;
  const auto log = le32_at(super, kLogBlockSize);
  if (log > kLargestLogBlockSize)
    return fail(ErrorCode::malformed, "the ext4 superblock is damaged", "block size");
  const bool wide = (le32_at(super, kIncompatible) & kIncompatible64Bit) != 0;
  const auto blocks = le32_at(super, kBlocksLow) | (wide ? le32_at(super, kBlocksHigh) << 32 : 0);
  const auto block_size = std::uint32_t{1024} << log;
  if (blocks == 0 || blocks > size / block_size)
    return fail(ErrorCode::truncated, "the disk image is shorter than the file system in it", "size");
  return Ext4Geometry{blocks * block_size, block_size};
}

Result<Bytes> read_ext4_file(int fd, const std::string& path, std::size_t limit) {
  ext2_filsys raw_fs = nullptr;
  const auto device = "/proc/self/fd/" + std::to_string(fd);
  if (const auto code = ext2fs_open(device.c_str(), EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &raw_fs);
      code != 0)
    return fail_ext2(code, "open the root file system");
  const std::unique_ptr<struct_ext2_filsys, FileSystemCloser> fs{raw_fs};
  ext2_ino_t inode = 0;
  if (const auto code = ext2fs_namei_follow(fs.get(), EXT2_ROOT_INO, EXT2_ROOT_INO, path.c_str(), &inode);
      code != 0)
    return fail_ext2(code, "find", path);
  ext2_file_t raw_file = nullptr;
  if (const auto code = ext2fs_file_open(fs.get(), inode, 0, &raw_file); code != 0)
    return fail_ext2(code, "open", path);
  const std::unique_ptr<ext2_file, FileCloser> file{raw_file};
  __u64 size = 0;
  if (const auto code = ext2fs_file_get_lsize(file.get(), &size); code != 0)
    return fail_ext2(code, "read", path);
  if (size > limit) return fail(ErrorCode::too_large, "a file in the root file system is too large", path);
  Bytes content(size);
  for (std::size_t done = 0; done < size;) {
    unsigned int count = 0;
    const auto wanted = static_cast<unsigned int>(size - done);
    const auto code = ext2fs_file_read(file.get(), content.data() + done, wanted, &count);
    if (code != 0) return fail_ext2(code, "read", path);
    if (count == 0) return fail(ErrorCode::truncated, "a file in the root file system ends too early", path);
    done += count;
  }
  return content;
}

}  // namespace sealift::image
