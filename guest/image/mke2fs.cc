// SPDX-License-Identifier: Apache-2.0
#include "guest/image/mke2fs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/process.h"

namespace sealift::image {
namespace {

constexpr std::uint64_t kMebibyte = 1 << 20;
constexpr std::uint64_t kInodeSize = 256;
constexpr std::uint64_t kBytesPerInode = 16384;
constexpr std::uint64_t kSpareInodes = 1024;
/// Named one by one, so that this machine's mke2fs.conf has no say and kernels from 4.x on can mount it.
constexpr const char* kFeatures =
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,"
    "huge_file,dir_nlink,extra_isize,metadata_csum";

std::uint64_t inodes_for(const TreeSize& tree, std::uint64_t size) {
  return std::max(tree.entries + tree.entries / 4 + kSpareInodes, size / kBytesPerInode);
}

std::uint64_t journal_mebibytes(std::uint64_t size) {
  if (size < 256 * kMebibyte) return 4;
  return size < 4096 * kMebibyte ? 16 : 64;
}

/// Users' PATHs often lack the directories that hold it.
std::string find_mke2fs() {
  for (const char* path : {"/usr/sbin/mke2fs", "/sbin/mke2fs"})
    if (access(path, X_OK) == 0) return path;
  return "mke2fs";
}

Result<UniqueFd> unnamed_file(const std::filesystem::path& directory) {
  if (auto fd = open_file(directory, O_TMPFILE | O_RDWR, 0600)) return fd;
  auto name = (directory / ".root-XXXXXX").string();  // a file system without O_TMPFILE
  UniqueFd fd{mkostemp(name.data(), O_CLOEXEC)};
  if (!fd) return fail_errno("make a temporary file in " + directory.string());
  unlink(name.c_str());
  return fd;
}

}  // namespace

std::uint64_t file_system_size(const TreeSize& tree, std::uint64_t free_space) {
  // Block bitmaps, extent trees and fragmentation: a fiftieth.
  const auto content = (tree.blocks + tree.blocks / 50) * kBlockSize + free_space;
  const auto inodes = inodes_for(tree, content) * kInodeSize;
  const auto size = content + inodes + journal_mebibytes(content) * kMebibyte + 8 * kMebibyte;
  return (size + kMebibyte - 1) / kMebibyte * kMebibyte;
}

Result<UniqueFd> make_empty_ext4(const std::filesystem::path& directory, std::uint64_t size,
                                 const TreeSize& tree) {
  SEALIFT_TRY(auto fd, unnamed_file(directory));
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return fail_errno("make a root file system");
  constexpr int kChildFd = 3;
  // The file is all zeros, so the inode tables need no writing.
  Command command{.argv = {find_mke2fs(),
                           "-q",
                           "-F",
                           "-t",
                           "ext4",
                           "-O",
                           kFeatures,
                           "-b",
                           std::to_string(kBlockSize),
                           "-I",
                           std::to_string(kInodeSize),
                           "-N",
                           std::to_string(inodes_for(tree, size)),
                           "-J",
                           "size=" + std::to_string(journal_mebibytes(size)),
                           "-m",
                           "0",
                           "-E",
                           "assume_storage_prezeroed=1,nodiscard",
                           "-L",
                           "root",
                           "/proc/self/fd/" + std::to_string(kChildFd),
                           std::to_string(size / kBlockSize)},
                  .environment = {"MKE2FS_CONFIG=/dev/null"},
                  .fds = {{fd.get(), kChildFd}}};
  auto made = run_checked(std::move(command));
  if (!made && made.error().code == ErrorCode::dependency_missing)
    return fail(ErrorCode::dependency_missing,
                "there is no mke2fs on this machine: install the package e2fsprogs", "mke2fs");
  if (!made) return tl::unexpected(std::move(made).error());
  return fd;
}

}  // namespace sealift::image
