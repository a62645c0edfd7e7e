// SPDX-License-Identifier: Apache-2.0
/// Components that guests were started from, kept for the next launches of the same image. What is handed in
/// is read again every time and compared with them byte by byte, which takes a fifth of copying and hashing
/// it. Where all is the same, the kept memory is used; where anything differs, nothing here counts: the
/// component is pinned and hashed, and refused for what it is. From any thread.
///
/// What is kept is sealed memory of this process, so a digest that was taken of it stays true.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "services/ultravisor/domain/pinned_file.h"

namespace sealift::ultravisor {

class KeptComponents {
 public:
  static constexpr std::uint64_t kUsualLimit = 256ULL << 20U;  // some eight images with Debian's kernel

  /// Bytes kept at most: those that were used last. 0 keeps nothing.
  explicit KeptComponents(std::uint64_t limit = kUsualLimit) : limit_{limit} {}

  /// As PinnedFile::pin() does.
  Result<PinnedFile> pin(std::span<const int> sources, std::uint64_t limit, const std::string& what);
  /// The file's SHA-512 from `offset` to the end.
  crypto::Digest sha512(const PinnedFile& file, std::uint64_t offset) const;
  /// Of a launch that was approved: nobody fills the memory with what is refused.
  void keep(const PinnedFile& file, std::uint64_t offset, const crypto::Digest& sha512);

 private:
  struct Kept {
    PinnedFile file;
    std::uint64_t offset;
    crypto::Digest sha512;
    ByteView hashed() const noexcept { return file.bytes().subspan(offset); }
  };
  std::list<Kept> all() const;

  mutable std::mutex mutex_;
  std::uint64_t limit_;
  std::uint64_t taken_ = 0;
  std::list<Kept> kept_;  // the last used in front
};

}  // namespace sealift::ultravisor
