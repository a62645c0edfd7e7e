// SPDX-License-Identifier: Apache-2.0
/// A component that cannot change any more: its bytes in a sealed memory file. What is verified in it is what
/// the guest is started with, whatever happens to the path or file it came from.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/file.h"
#include "crypto/digest.h"

namespace sealift::ultravisor {

class PinnedFile {
 public:
  /// Copies the regular files `sources`, one after the other (at most `limit` bytes together), and seals the
  /// copy against every change.
  static Result<PinnedFile> pin(std::span<const int> sources, std::uint64_t limit, const std::string& what);

  int fd() const noexcept { return fd_.get(); }
  std::uint64_t size() const noexcept { return size_; }
  /// The first `count` bytes, fewer where there are no more.
  Result<Bytes> prefix(std::size_t count) const;
  /// SHA-512 from `offset` to the end.
  Result<crypto::Digest> sha512(std::uint64_t offset = 0) const;

 private:
  PinnedFile(UniqueFd fd, std::uint64_t size) : fd_{std::move(fd)}, size_{size} {}
  UniqueFd fd_;
  std::uint64_t size_;
};

}  // namespace sealift::ultravisor
