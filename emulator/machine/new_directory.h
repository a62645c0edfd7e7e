// SPDX-License-Identifier: Apache-2.0
/// A directory that appears whole or not at all.
#pragma once

#include <filesystem>
#include <functional>

#include "base/result.h"

namespace sealift::emulator {

/// Filled beside its place under a name of its own, then renamed into place; removed unless publish()
/// succeeded.
class NewDirectory {
 public:
  /// Beside `target`, whose parents are made where they are missing. Only for this user.
  static Result<NewDirectory> create(const std::filesystem::path& target);
  NewDirectory(NewDirectory&& other) noexcept;
  NewDirectory& operator=(NewDirectory&&) = delete;
  NewDirectory(const NewDirectory&) = delete;
  NewDirectory& operator=(const NewDirectory&) = delete;
  ~NewDirectory();

  const std::filesystem::path& path() const noexcept { return path_; }
  /// already_exists where something else has the place.
  Status publish();

 private:
  NewDirectory(std::filesystem::path path, std::filesystem::path target)
      : path_{std::move(path)}, target_{std::move(target)} {}
  std::filesystem::path path_;
  std::filesystem::path target_;
};

/// Makes `target` by `fill(path to fill)` unless it is there. Of several who try at once, one wins, and all
/// see the winner's.
Status make_directory_once(const std::filesystem::path& target,
                           const std::function<Status(const std::filesystem::path&)>& fill);

}  // namespace sealift::emulator
