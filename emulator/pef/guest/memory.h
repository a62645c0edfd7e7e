// SPDX-License-Identifier: Apache-2.0
/// A guest's memory as its ultravisor sees it: real addresses from 0 on, every access checked.
///
/// The guest is stopped while it is looked at, but what it left there is hostile: whatever is parsed is
/// copied out first, so that it cannot change between two looks.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"

namespace sealift::pef {

struct Range {
  std::uint64_t start = 0;
  std::uint64_t size = 0;
  bool overlaps(const Range& other) const noexcept;
  bool operator==(const Range&) const = default;
};

class GuestMemory {
 public:
  /// All of the file `fd`, shared with QEMU, which has it as its memory.
  static Result<GuestMemory> map(int fd);
  /// Memory that is somebody else's, for as long as that lives.
  explicit GuestMemory(std::span<std::uint8_t> bytes) : bytes_{bytes} {}

  std::uint64_t size() const noexcept { return bytes_.size(); }
  /// The bytes themselves. malformed, with `what` as its field, unless all of the range is memory.
  Result<ByteView> view(const Range& range, std::string_view what) const;
  Status write(std::uint64_t address, ByteView bytes, std::string_view what);

 private:
  Result<std::span<std::uint8_t>> at(const Range& range, std::string_view what) const;
  std::shared_ptr<void> mapping_;  // unmaps it
  std::span<std::uint8_t> bytes_;
};

}  // namespace sealift::pef
