// SPDX-License-Identifier: Apache-2.0
#include "guest/image/tree/tar_source.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include "guest/image/tree/attributes.h"

namespace sealift::image {
namespace {

constexpr std::size_t kReadSize = 256 * 1024;

struct ArchiveCloser {
  void operator()(archive* handle) const noexcept { archive_read_free(handle); }
};
using ArchiveHandle = std::unique_ptr<archive, ArchiveCloser>;

std::string text_of(const char* local, const char* utf8) {
  // A name from a pax header does not exist in the C locale's characters, only as UTF-8.
  return local != nullptr ? local : utf8 != nullptr ? utf8 : "";
}

class TarSource final : public TreeSource {
 public:
  explicit TarSource(ArchiveHandle handle) : archive_{std::move(handle)} {}

  Result<std::optional<TreeEntry>> next() override {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(archive_.get(), &entry);
    if (status == ARCHIVE_EOF) return std::nullopt;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return bad_archive();
    return convert(entry);
  }

  Result<std::optional<Piece>> next_piece() override {
    const void* data = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(archive_.get(), &data, &size, &offset);
    if (status == ARCHIVE_EOF) return std::nullopt;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return bad_archive();
    return Piece{static_cast<std::uint64_t>(offset), {static_cast<const std::uint8_t*>(data), size}};
  }

 private:
  tl::unexpected<Error> bad_archive() const {
    const char* reason = archive_error_string(archive_.get());
    return fail(ErrorCode::malformed,
                "the tarball cannot be read" + (current_.empty() ? "" : " after " + current_), current_,
                reason != nullptr ? reason : "");
  }

  Result<std::optional<TreeEntry>> convert(archive_entry* entry) {
    TreeEntry out;
    SEALIFT_TRY(out.path,
                canonical_path(text_of(archive_entry_pathname(entry), archive_entry_pathname_utf8(entry))));
    current_ = out.path;
    const auto hard_link = text_of(archive_entry_hardlink(entry), archive_entry_hardlink_utf8(entry));
    if (!hard_link.empty()) {
      SEALIFT_TRY(out.hard_link_to, canonical_path(hard_link));
      if (out.hard_link_to.empty()) return fail(ErrorCode::malformed, "a hard link leads nowhere", out.path);
    }
    out.mode = archive_entry_mode(entry);
    out.mtime = archive_entry_mtime(entry);
    out.link_target = text_of(archive_entry_symlink(entry), archive_entry_symlink_utf8(entry));
    out.major = static_cast<std::uint32_t>(archive_entry_rdevmajor(entry));
    out.minor = static_cast<std::uint32_t>(archive_entry_rdevminor(entry));
    SEALIFT_TRY(out.uid, owner(archive_entry_uid(entry), out.path));
    SEALIFT_TRY(out.gid, owner(archive_entry_gid(entry), out.path));
    if (archive_entry_size(entry) < 0)
      return fail(ErrorCode::malformed, "a file's size is negative", out.path);
    out.size = S_ISREG(out.mode) ? static_cast<std::uint64_t>(archive_entry_size(entry)) : 0;
    take_attributes(entry, out);
    return out;
  }

  static Result<std::uint32_t> owner(la_int64_t id, const std::string& path) {
    if (id < 0 || id > 0xffff'fffe) return fail(ErrorCode::malformed, "an owner is out of range", path);
    return static_cast<std::uint32_t>(id);
  }

  static void take_attributes(archive_entry* entry, TreeEntry& out) {
    archive_entry_xattr_reset(entry);
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
      const auto* bytes = static_cast<const std::uint8_t*>(value);
      if (name != nullptr && is_kept_attribute(name))
        out.attributes.push_back({name, Bytes(bytes, bytes + size)});
    }
  }

  ArchiveHandle archive_;
  std::string current_;
};

ArchiveHandle new_tar_reader() {
  ArchiveHandle handle{archive_read_new()};
  archive* reader = handle.get();
  // Not …_filter_all: that would run whatever decompression programs lie around.
  archive_read_support_filter_gzip(reader);
  archive_read_support_filter_bzip2(reader);
  archive_read_support_filter_xz(reader);
  archive_read_support_filter_lzma(reader);
  archive_read_support_filter_lz4(reader);
  archive_read_support_filter_zstd(reader);
  archive_read_support_format_tar(reader);
  return handle;
}

}  // namespace

Result<std::unique_ptr<TreeSource>> open_tar(const std::filesystem::path& file) {
  auto handle = new_tar_reader();
  if (archive_read_open_filename(handle.get(), file.c_str(), kReadSize) != ARCHIVE_OK) {
    const char* reason = archive_error_string(handle.get());
    return fail(ErrorCode::malformed, file.string() + " is no tarball", "root",
                reason != nullptr ? reason : "");
  }
  return std::make_unique<TarSource>(std::move(handle));
}

Result<std::unique_ptr<TreeSource>> open_tar_stream(void* context,
                                                    ssize_t (*read)(archive*, void*, const void**)) {
  auto handle = new_tar_reader();
  if (archive_read_open(handle.get(), context, nullptr, read, nullptr) != ARCHIVE_OK) {
    const char* reason = archive_error_string(handle.get());
    return fail(ErrorCode::malformed, "the archive holds no tarball", "", reason != nullptr ? reason : "");
  }
  return std::make_unique<TarSource>(std::move(handle));
}

}  // namespace sealift::image
