// SPDX-License-Identifier: Apache-2.0
#include "guest/image/debian_package.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>

#include "base/file.h"
#include "guest/image/tree/tar_source.h"

namespace sealift::image {
namespace {

constexpr std::size_t kReadSize = 256UL * 1024;

struct ArchiveCloser {
  void operator()(archive* handle) const noexcept { archive_read_free(handle); }
};
using ArchiveHandle = std::unique_ptr<archive, ArchiveCloser>;

tl::unexpected<Error> not_a_package(const std::filesystem::path& package, archive* reader) {
  const char* reason = reader != nullptr ? archive_error_string(reader) : nullptr;
  return fail(ErrorCode::malformed, package.string() + " is no Debian package", "kernel",
              reason != nullptr ? reason : "");
}

/// Puts the reader at the content of data.tar.*.
Result<ArchiveHandle> open_data_member(const std::filesystem::path& package) {
  ArchiveHandle outer{archive_read_new()};
  archive_read_support_format_ar(outer.get());
  if (archive_read_open_filename(outer.get(), package.c_str(), kReadSize) != ARCHIVE_OK)
    return not_a_package(package, outer.get());
  archive_entry* entry = nullptr;
  while (archive_read_next_header(outer.get(), &entry) == ARCHIVE_OK) {
    const char* name = archive_entry_pathname(entry);
    if (name != nullptr && std::string_view{name}.starts_with("data.tar")) return outer;
  }
  return not_a_package(package, outer.get());
}

/// libarchive's callback: the inner archive reads what the outer one delivers.
la_ssize_t read_from_outer(archive* /*inner*/, void* outer, const void** data) {
  std::size_t size = 0;
  la_int64_t offset = 0;
  const int status = archive_read_data_block(static_cast<archive*>(outer), data, &size, &offset);
  if (status == ARCHIVE_EOF) return 0;
  return status == ARCHIVE_OK || status == ARCHIVE_WARN ? static_cast<la_ssize_t>(size) : -1;
}

Status unpack_file(TreeSource& tree, const TreeEntry& entry, const std::filesystem::path& directory,
                   const Job& job) {
  const auto target = directory / entry.path;
  std::error_code error;
  std::filesystem::create_directories(target.parent_path(), error);
  if (error)
    return fail(ErrorCode::io_error, "cannot make " + target.parent_path().string() + ": " + error.message());
  SEALIFT_TRY(const auto file, open_file(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
  for (;;) {
    SEALIFT_CHECK(job.check());
    SEALIFT_TRY(const auto piece, tree.next_piece());
    if (!piece) return {};
    SEALIFT_CHECK(pwrite_all(file.get(), piece->bytes, piece->offset));
  }
}

}  // namespace

Status unpack_debian_package(const std::filesystem::path& package,
                             const std::function<bool(std::string_view)>& wanted,
                             const std::filesystem::path& directory, const Job& job) {
  SEALIFT_TRY(const auto outer, open_data_member(package));
  SEALIFT_TRY(const auto tree, open_tar_stream(outer.get(), read_from_outer));
  job.progress().start("unpack the kernel", 0);
  for (;;) {
    SEALIFT_CHECK(job.check());
    SEALIFT_TRY(const auto entry, tree->next());
    if (!entry) break;
    // Regular files only: without links in the way, a canonical path stays below `directory`.
    if (!S_ISREG(entry->mode) || !entry->hard_link_to.empty() || !wanted(entry->path)) continue;
    SEALIFT_CHECK(unpack_file(*tree, *entry, directory, job));
    job.progress().advance(entry->size);
  }
  job.progress().finish();
  return {};
}

}  // namespace sealift::image
