// SPDX-License-Identifier: Apache-2.0
/// A queue with a bound and the threads that work it off.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sealift::agent {

class Lane {
 public:
  using Work = std::function<void(const std::stop_token&)>;
  Lane(std::size_t threads, std::size_t limit) : limit_{limit} {
    for (std::size_t i = 0; i < threads; ++i)
      threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
  }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  ~Lane() {
    for (auto& thread : threads_) thread.request_stop();
  }
  /// False where the queue is full.
  bool post(Work work) {
    {
      const std::lock_guard lock{mutex_};
      if (waiting_.size() >= limit_) return false;
      waiting_.push_back(std::move(work));
    }
    posted_.notify_one();
    return true;
  }

 private:
  void run(const std::stop_token& stop) {
    for (;;) {
      Work work;
      {
        std::unique_lock lock{mutex_};
        if (!posted_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
        if (stop.stop_requested()) return;
        work = std::move(waiting_.front());
        waiting_.pop_front();
      }
      work(stop);
    }
  }

  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable_any posted_;
  std::deque<Work> waiting_;
  std::vector<std::jthread> threads_;  // last: they use the others
};

}  // namespace sealift::agent
