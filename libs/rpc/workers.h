// SPDX-License-Identifier: Apache-2.0
/// Private to libs/rpc: threads on which handlers run and may block. Their number and the queue in front of
/// them are bounded: what does not fit is refused at once.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sealift::rpc {

class Workers {
 public:
  Workers(std::size_t threads, std::size_t queue_limit);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  /// Waits for what runs; what only waits is dropped.
  ~Workers();

  /// False where the queue is full or the workers stop.
  bool submit(std::function<void()> work);
  void stop();

 private:
  void run();

  const std::size_t queue_limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  std::size_t waiting_ = 0;  // threads without work
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace sealift::rpc
