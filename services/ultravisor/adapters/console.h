// SPDX-License-Identifier: Apache-2.0
/// Where a guest's console goes. Into a regular file it is copied, so that the file stays bounded and the
/// guest never waits for who reads it, whether its host agent lives or not; anything else the guest gets
/// itself.
#pragma once

#include <cstdint>
#include <thread>

#include "base/file.h"

namespace sealift::ultravisor {

class Console {
 public:
  static constexpr std::uint64_t kLimit = 16ULL
                                          << 20U;  ///< bytes of a file; then a line says that it is full

  /// `out` is the caller's and may be closed afterwards.
  static Result<Console> open(int out, std::uint64_t limit = kLimit);

  /// The guest's standard output, until keep().
  int guests_end() const noexcept { return guests_end_.get(); }
  /// The guest has its end: from here on what it prints is kept.
  void keep();
  /// After the guest's end: waits until all of it is in the file.
  void finish();

 private:
  Console(UniqueFd guests_end, UniqueFd ours, UniqueFd file, std::uint64_t limit)
      : guests_end_{std::move(guests_end)}, ours_{std::move(ours)}, file_{std::move(file)}, limit_{limit} {}
  UniqueFd guests_end_;
  UniqueFd ours_;
  UniqueFd file_;
  std::uint64_t limit_;
  std::jthread copying_;
};

}  // namespace sealift::ultravisor
