// SPDX-License-Identifier: Apache-2.0
#include "objects/retry.h"

#include <condition_variable>
#include <mutex>

#include "crypto/random.h"

namespace sealift::objects {
namespace {

/// A random part of `limit`, so that many clients do not come back at the same moment.
std::chrono::microseconds part_of(std::chrono::microseconds limit) {
  const auto random = crypto::random_array<2>();
  const auto fraction = (random[0] * 256 + random[1]) / 65536.0;
  return std::chrono::microseconds{static_cast<std::int64_t>(static_cast<double>(limit.count()) * fraction)};
}

}  // namespace

bool Retry::again(const Error& error) {
  if (!is_passing(error.code) || ++failed_ >= policy_.attempts) return false;
  const auto wait = part_of(policy_.first_wait * (1 << (failed_ - 1)));
  std::mutex mutex;
  std::condition_variable_any woken;
  std::unique_lock lock{mutex};
  woken.wait_for(lock, stop_, wait, [] { return false; });
  return !stop_.stop_requested();
}

}  // namespace sealift::objects
