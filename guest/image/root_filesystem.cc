// SPDX-License-Identifier: Apache-2.0
#include "guest/image/root_filesystem.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/image/mke2fs.h"
#include "guest/image/tree/directory_source.h"
#include "guest/image/tree/ext4_reader.h"
#include "guest/image/tree/ext4_writer.h"
#include "guest/image/tree/tar_source.h"

namespace sealift::image {
namespace {

constexpr std::size_t kDirectoryEntryOverhead = 12;
constexpr std::size_t kShortLink = 59;  // a longer target takes a block
constexpr std::uint64_t kMaxFileSystemSize = std::uint64_t{16} << 40;

Result<std::unique_ptr<TreeSource>> open_tree(const std::filesystem::path& source) {
  std::error_code ignored;
  return std::filesystem::is_directory(source, ignored) ? open_directory(source) : open_tar(source);
}

constexpr std::uint64_t blocks_of(std::uint64_t bytes) {
  return bytes / kBlockSize + (bytes % kBlockSize != 0);
}

/// Blocks of one entry, its name's share of the directory included.
std::uint64_t blocks_of(const TreeEntry& entry, std::uint64_t& name_bytes) {
  name_bytes += entry.path.size() - (entry.path.rfind('/') + 1) + kDirectoryEntryOverhead;
  if (!entry.hard_link_to.empty()) return 0;
  const std::uint64_t attributes = entry.attributes.empty() ? 0 : 1;
  if (S_ISREG(entry.mode)) return blocks_of(entry.size) + attributes;
  if (S_ISLNK(entry.mode)) return (entry.link_target.size() > kShortLink ? 1 : 0) + attributes;
  return (S_ISDIR(entry.mode) ? 1 : 0) + attributes;
}

/// First of two passes: how large a file system it takes.
Result<TreeSize> measure(const std::filesystem::path& source, const Job& job) {
  SEALIFT_TRY(const auto tree, open_tree(source));
  job.progress().start("measure the root file system", 0);
  TreeSize size;
  std::uint64_t name_bytes = 0;
  for (;;) {
    SEALIFT_CHECK(job.check());
    SEALIFT_TRY(const auto entry, tree->next());
    if (!entry) break;
    ++size.entries;
    size.blocks += blocks_of(*entry, name_bytes);
    size.content_bytes += entry->hard_link_to.empty() ? entry->size : 0;
    if (size.blocks > kMaxFileSystemSize / kBlockSize)
      return fail(ErrorCode::too_large, "the root file system is larger than ext4 can be", entry->path);
    job.progress().advance(entry->size);
  }
  // Directories are rarely more than half full of names.
  size.blocks += blocks_of(2 * name_bytes);
  job.progress().finish();
  return size;
}

Status fill(int file_system, const std::filesystem::path& source, const TreeSize& size, const Job& job) {
  SEALIFT_TRY(const auto tree, open_tree(source));
  SEALIFT_TRY(auto writer, Ext4Writer::open(file_system));
  job.progress().start("write the root file system", size.content_bytes);
  for (;;) {
    SEALIFT_CHECK(job.check());
    SEALIFT_TRY(const auto entry, tree->next());
    if (!entry) break;
    SEALIFT_CHECK(writer.add(*entry));
    if (!S_ISREG(entry->mode) || !entry->hard_link_to.empty()) continue;
    for (;;) {
      SEALIFT_CHECK(job.check());
      SEALIFT_TRY(const auto piece, tree->next_piece());
      if (!piece) break;
      SEALIFT_CHECK(writer.write(*piece));
      job.progress().advance(piece->bytes.size());
    }
  }
  SEALIFT_CHECK(writer.finish());
  job.progress().finish();
  return {};
}

bool is_partitioned(int fd) {
  std::array<std::uint8_t, 512> sector{};
  return pread_exact(fd, sector, 0).has_value() && sector[510] == 0x55 && sector[511] == 0xaa;
}

constexpr std::uint64_t whole_sectors(std::uint64_t size) { return blocks_of(size) * kBlockSize; }

}  // namespace

Result<RootFilesystem> RootFilesystem::create(const std::filesystem::path& source,
                                              const RootFilesystemOptions& options,
                                              const std::filesystem::path& directory, const Job& job) {
  SEALIFT_TRY(auto given, open_file(source, O_RDONLY));
  struct stat status{};
  if (fstat(given.get(), &status) != 0) return fail_errno("look at " + source.string());
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
    return fail(ErrorCode::invalid_argument, source.string() + " is neither a file nor a directory", "root");
  if (S_ISREG(status.st_mode)) {
    SEALIFT_TRY(const auto geometry, read_ext4_geometry(given.get()));
    if (geometry)
      return RootFilesystem{std::move(given), whole_sectors(geometry->size), geometry->block_size};
    if (is_partitioned(given.get()))
      return fail(ErrorCode::unsupported,
                  source.string() + " is a partitioned disk: give its root partition alone", "root");
  }
  SEALIFT_TRY(const auto tree, measure(source, job));
  const auto least = file_system_size(tree, 0);
  const auto size =
      options.size ? *options.size / kBlockSize * kBlockSize : file_system_size(tree, options.free_space);
  if (size < least)
    return fail(ErrorCode::no_space,
                "the root file system's files need at least " + std::to_string(least >> 20) + " MiB", "size");
  if (size > kMaxFileSystemSize) return fail(ErrorCode::too_large, "ext4 is at most 16 TiB", "size");
  SEALIFT_TRY(auto made, make_empty_ext4(directory, size, tree));
  SEALIFT_CHECK(fill(made.get(), source, tree, job));
  return RootFilesystem{std::move(made), size, kBlockSize};
}

Result<Bytes> RootFilesystem::read_file(const std::string& path, std::size_t limit) const {
  return read_ext4_file(fd_.get(), path, limit);
}

}  // namespace sealift::image
