// SPDX-License-Identifier: Apache-2.0
/// "Something has moved": wakes workers, watchers and hosts' streams of this process. Changes by other
/// replicas raise nothing here, so whoever waits looks again after a while all the same.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace sealift::orchestrator {

class Signal {
 public:
  std::uint64_t count() const {
    const std::lock_guard lock{mutex_};
    return count_;
  }
  void raise() {
    {
      const std::lock_guard lock{mutex_};
      ++count_;
    }
    raised_.notify_all();
  }
  /// Until it was raised after `seen`, or `limit` has passed; the count then.
  std::uint64_t wait(std::uint64_t seen, std::chrono::milliseconds limit) {
    std::unique_lock lock{mutex_};
    raised_.wait_for(lock, limit, [&] { return count_ != seen; });
    return count_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable raised_;
  std::uint64_t count_ = 0;
};

}  // namespace sealift::orchestrator
