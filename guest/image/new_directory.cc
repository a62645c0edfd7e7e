// SPDX-License-Identifier: Apache-2.0
#include "guest/image/new_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace sealift::image {
namespace {

namespace fs = std::filesystem;

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path{"."};
}

/// "a/b/" as "a/b".
fs::path without_slash(const fs::path& path) { return path.has_filename() ? path : path.parent_path(); }

Status sync_directory(const fs::path& path) {
  SEALIFT_TRY(const auto fd, open_file(path, O_RDONLY | O_DIRECTORY));
  if (fsync(fd.get()) != 0) return fail_errno("sync " + path.string());
  return {};
}

}  // namespace

Result<NewDirectory> NewDirectory::create(const fs::path& target) {
  const auto name = without_slash(target);
  std::error_code error;
  if (fs::exists(fs::symlink_status(name, error)))
    return fail(ErrorCode::already_exists, name.string() + " is there already", "output");
  auto path = (parent_of(name) / ("." + name.filename().string() + "-XXXXXX")).string();
  if (mkdtemp(path.data()) == nullptr) return fail_errno("make a directory in " + parent_of(name).string());
  return NewDirectory{name, path};
}

NewDirectory::~NewDirectory() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Status NewDirectory::publish() {
  SEALIFT_CHECK(sync_directory(path_));
  if (chmod(path_.c_str(), 0755) != 0) return fail_errno("open up " + path_.string());
  if (renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) != 0)
    return fail_errno("make " + target_.string());
  path_.clear();
  return sync_directory(parent_of(target_));
}

Status write_new_secret_file(const fs::path& path, ByteView secret) {
  SEALIFT_TRY(const auto fd, open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  auto written = write_all(fd.get(), secret);
  if (written && fsync(fd.get()) != 0) written = fail_errno("sync " + path.string());
  if (written) written = sync_directory(parent_of(path));
  if (!written) unlink(path.c_str());
  return written;
}

}  // namespace sealift::image
