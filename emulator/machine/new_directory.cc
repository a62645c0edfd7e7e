// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/new_directory.h"

#include <fcntl.h>
#include <stdio.h>   // renameat2
#include <stdlib.h>  // mkdtemp

#include <utility>

#include "base/file.h"

namespace sealift::emulator {

namespace fs = std::filesystem;

Result<NewDirectory> NewDirectory::create(const fs::path& target) {
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  auto pattern = (target.parent_path() / ("." + target.filename().string() + ".XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr) return fail_errno("make a directory " + pattern);
  return NewDirectory{pattern, target};
}

NewDirectory::NewDirectory(NewDirectory&& other) noexcept
    : path_{std::exchange(other.path_, {})}, target_{std::move(other.target_)} {}

NewDirectory::~NewDirectory() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Status NewDirectory::publish() {
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) != 0) {
    return fail_errno("make " + target_.string());
  }
  path_.clear();
  return {};
}

Status make_directory_once(const fs::path& target, const std::function<Status(const fs::path&)>& fill) {
  std::error_code ignored;
  if (fs::is_directory(target, ignored)) return {};
  SEALIFT_TRY(auto directory, NewDirectory::create(target));
  SEALIFT_CHECK(fill(directory.path()));
  auto published = directory.publish();
  if (!published && published.error().code == ErrorCode::already_exists) return {};
  return published;
}

}  // namespace sealift::emulator
