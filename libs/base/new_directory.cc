// SPDX-License-Identifier: Apache-2.0
#include "base/new_directory.h"

#include <fcntl.h>
#include <stdio.h>   // renameat2
#include <stdlib.h>  // mkdtemp
#include <sys/stat.h>

#include <cerrno>

namespace sealift {
namespace {

namespace fs = std::filesystem;

/// "a/b/" as "a/b".
fs::path without_slash(const fs::path& path) { return path.has_filename() ? path : path.parent_path(); }

Status make_directory(const fs::path& target, const std::function<Status(const fs::path&)>& fill) {
  SEALIFT_TRY(auto directory, NewDirectory::create(target));
  SEALIFT_CHECK(fill(directory.path()));
  return directory.publish();
}

}  // namespace

Result<NewDirectory> NewDirectory::create(const fs::path& target) {
  auto name = without_slash(target);
  std::error_code error;
  if (fs::exists(fs::symlink_status(name, error)))
    return fail(ErrorCode::already_exists, name.string() + " is there already");
  const auto parent = parent_directory(name);
  auto path = (parent / ("." + name.filename().string() + ".XXXXXX")).string();
  if (::mkdtemp(path.data()) == nullptr) return fail_errno("make a directory in " + parent.string());
  return NewDirectory{std::move(path), std::move(name)};
}

NewDirectory::~NewDirectory() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Status NewDirectory::publish(mode_t mode) {
  if (::chmod(path_.c_str(), mode) != 0) return fail_errno("chmod " + path_.string());
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) != 0) {
    return fail_errno("make " + target_.string());
  }
  path_.clear();
  return {};
}

Status NewDirectory::publish_synced(mode_t mode) {
  SEALIFT_CHECK(sync_directory(path_));
  SEALIFT_CHECK(publish(mode));
  return sync_directory(parent_directory(target_));
}

Status make_directory_once(const fs::path& target, const std::function<Status(const fs::path&)>& fill) {
  std::error_code ignored;
  if (fs::is_directory(target, ignored)) return {};
  fs::create_directories(parent_directory(target), ignored);
  auto made = make_directory(target, fill);
  if (!made && made.error().code == ErrorCode::already_exists && fs::is_directory(target, ignored)) return {};
  return made;
}

}  // namespace sealift
