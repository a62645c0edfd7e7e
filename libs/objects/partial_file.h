// SPDX-License-Identifier: Apache-2.0
/// The file in which a fetched object grows: hashed as it does, and published only when it is what was
/// wanted.
#pragma once

#include <filesystem>

#include "base/file.h"
#include "base/progress.h"
#include "crypto/digest.h"

namespace sealift::objects {

class PartialFile {
 public:
  /// `destination`.part, new or from an earlier attempt, whose bytes are hashed now. conflict: somebody else
  /// has it. The object will have `size` bytes.
  static Result<PartialFile> open(const std::filesystem::path& destination, std::uint64_t size,
                                  Progress& progress);

  std::uint64_t size() const noexcept { return size_; }
  std::uint64_t arrived() const noexcept { return arrived_; }
  bool complete() const noexcept { return arrived_ == size_; }
  /// too_large: more than the object has.
  Status append(ByteView bytes);
  /// Throws away what has arrived.
  Status restart();
  /// Gives the file its name, and waits until a `lasting` one is on disk; object_differs unless it has the
  /// digest. Call it once, when complete.
  Status publish(const crypto::Digest& sha512, bool lasting);

 private:
  PartialFile(std::filesystem::path destination, UniqueFd fd, std::uint64_t size, Progress& progress);
  Status take_up();

  std::filesystem::path destination_;
  std::filesystem::path path_;
  UniqueFd fd_;
  std::uint64_t size_;
  std::uint64_t arrived_ = 0;
  crypto::Hasher hasher_;
  Progress* progress_;
};

}  // namespace sealift::objects
