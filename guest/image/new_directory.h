// SPDX-License-Identifier: Apache-2.0
/// A directory that appears whole or not at all.
#pragma once

#include <filesystem>

#include "base/file.h"

namespace sealift::image {

class NewDirectory {
 public:
  /// Makes a hidden directory beside `target`, for this user alone. already_exists where `target` is there.
  static Result<NewDirectory> create(const std::filesystem::path& target);
  NewDirectory(NewDirectory&& other) noexcept
      : target_{std::move(other.target_)}, path_{std::exchange(other.path_, {})} {}
  NewDirectory& operator=(NewDirectory&&) = delete;
  NewDirectory(const NewDirectory&) = delete;
  NewDirectory& operator=(const NewDirectory&) = delete;
  /// Removes it with everything in it unless it was published.
  ~NewDirectory();

  const std::filesystem::path& path() const noexcept { return path_; }
  /// Syncs it, lets everybody read it, and gives it its name; never over something that came there meanwhile.
  Status publish();

 private:
  NewDirectory(std::filesystem::path target, std::filesystem::path path)
      : target_{std::move(target)}, path_{std::move(path)} {}
  std::filesystem::path target_;
  std::filesystem::path path_;  // empty once published
};

/// Writes a secret into a file that must not be there yet, for this user alone, synced.
Status write_new_secret_file(const std::filesystem::path& path, ByteView secret);

}  // namespace sealift::image
