// SPDX-License-Identifier: Apache-2.0
/// A directory that appears whole or not at all.
#pragma once

#include <filesystem>
#include <functional>

#include "base/file.h"

namespace sealift {

/// Filled beside its place under a name of its own, then renamed into place; removed with everything in it
/// unless it was published.
class NewDirectory {
 public:
  /// Hidden, for this user alone. already_exists where `target` is there; not_found where its parent is not.
  static Result<NewDirectory> create(const std::filesystem::path& target);
  NewDirectory(NewDirectory&& other) noexcept
      : path_{std::exchange(other.path_, {})}, target_{std::move(other.target_)} {}
  NewDirectory& operator=(NewDirectory&&) = delete;
  NewDirectory(const NewDirectory&) = delete;
  NewDirectory& operator=(const NewDirectory&) = delete;
  ~NewDirectory();

  const std::filesystem::path& path() const noexcept { return path_; }
  /// Gives it its name and `mode`; already_exists, never over something that came there meanwhile.
  Status publish(mode_t mode = 0700);
  /// The same, and its entries and name outlast a power failure; what is in its files is the writer's to
  /// sync.
  Status publish_synced(mode_t mode = 0700);

 private:
  NewDirectory(std::filesystem::path path, std::filesystem::path target)
      : path_{std::move(path)}, target_{std::move(target)} {}
  std::filesystem::path path_;  // empty once published
  std::filesystem::path target_;
};

/// Makes `target` by `fill(path to fill)` unless it is there, and its parents where they are missing. Of
/// several who try at once, one wins, and all see the winner's.
Status make_directory_once(const std::filesystem::path& target,
                           const std::function<Status(const std::filesystem::path&)>& fill);

}  // namespace sealift
