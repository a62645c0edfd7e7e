// SPDX-License-Identifier: Apache-2.0
/// A component that cannot change any more: its bytes in a sealed memory file. What is verified in it is what
/// the guest is started with, whatever happens to the path or file it came from. Copies of a PinnedFile are
/// the same memory.
#pragma once

#include <cstdint>
#include <memory>
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

  /// Open for reading only.
  int fd() const noexcept;
  ByteView bytes() const noexcept;
  std::uint64_t size() const noexcept { return bytes().size(); }
  /// The first `count` bytes, fewer where there are no more.
  Bytes prefix(std::size_t count) const;
  /// SHA-512 from `offset` to the end.
  crypto::Digest sha512(std::uint64_t offset = 0) const;
  /// Is this what the regular files `sources` have now, one after the other? No where one cannot be read.
  bool consists_of(std::span<const int> sources) const;
  /// Are both the same memory?
  bool operator==(const PinnedFile& other) const noexcept { return memory_ == other.memory_; }

 private:
  class Memory;
  explicit PinnedFile(std::shared_ptr<const Memory> memory) : memory_{std::move(memory)} {}
  std::shared_ptr<const Memory> memory_;
};

}  // namespace sealift::ultravisor
