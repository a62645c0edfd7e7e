// SPDX-License-Identifier: Apache-2.0
/// Pauses that double up to a limit, each half by chance, so that those who failed together do not return
/// together.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <stop_token>
#include <utility>

#include "services/agent/domain/limits.h"

namespace sealift::agent {

class Backoff {
 public:
  explicit Backoff(const Limits& limits) : first_{limits.first_pause}, longest_{limits.longest_pause} {}

  milliseconds next() {
    const auto whole = std::exchange(pause_, std::min(longest_, pause_ * 2)).count();
    std::uniform_int_distribution<milliseconds::rep> part{whole / 2, whole};
    return milliseconds{part(chance_)};
  }
  void reset() { pause_ = first_; }
  /// The next pause, or less where `stop` comes.
  void wait(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any nobody;
    std::unique_lock lock{mutex};
    nobody.wait_for(lock, stop, next(), [] { return false; });
  }

 private:
  milliseconds first_;
  milliseconds longest_;
  milliseconds pause_{first_};
  std::minstd_rand chance_{std::random_device{}()};
};

}  // namespace sealift::agent
