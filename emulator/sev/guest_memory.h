// SPDX-License-Identifier: Apache-2.0
/// The memory of a guest, shared with its QEMU: what a PSP writes into it.
#pragma once

#include <cstdint>
#include <span>

#include "base/file.h"

namespace sealift::emulator {

class GuestMemory {
 public:
  /// Zeros, without a name on any disk.
  static Result<GuestMemory> create(std::uint64_t size);
  GuestMemory(GuestMemory&& other) noexcept
      : fd_{std::move(other.fd_)}, bytes_{std::exchange(other.bytes_, {})} {}
  GuestMemory& operator=(GuestMemory&&) = delete;
  GuestMemory(const GuestMemory&) = delete;
  GuestMemory& operator=(const GuestMemory&) = delete;
  ~GuestMemory();

  int fd() const noexcept { return fd_.get(); }
  /// What is at a guest-physical address, below the first hole of a q35 machine; invalid_argument where that
  /// is not memory.
  Result<std::span<std::uint8_t>> at(std::uint64_t address, std::uint64_t size) const;

 private:
  GuestMemory(UniqueFd fd, std::span<std::uint8_t> bytes) : fd_{std::move(fd)}, bytes_{bytes} {}
  UniqueFd fd_;
  std::span<std::uint8_t> bytes_;
};

}  // namespace sealift::emulator
