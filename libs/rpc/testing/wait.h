// SPDX-License-Identifier: Apache-2.0
/// For tests: waiting for what happens on another thread.
#pragma once

#include <chrono>
#include <thread>

namespace sealift::rpc::testing {

/// True as soon as `holds()` is; false after a minute.
template <typename Holds>
bool eventually(Holds holds) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (!holds()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return true;
}

}  // namespace sealift::rpc::testing
