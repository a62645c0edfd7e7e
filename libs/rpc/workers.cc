// SPDX-License-Identifier: Apache-2.0
#include "rpc/workers.h"

namespace sealift::rpc {

Workers::Workers(std::size_t threads, std::size_t queue_limit) : queue_limit_{queue_limit} {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Workers::~Workers() { stop(); }

void Workers::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  threads_.clear();
  queue_.clear();
}

bool Workers::submit(std::function<void()> work) {
  {
    const std::lock_guard lock{mutex_};
    // The limit is on waiting: work for an idle thread does not wait.
    if (stopping_ || queue_.size() >= waiting_ + queue_limit_) return false;
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
  return true;
}

void Workers::run() {
  std::unique_lock lock{mutex_};
  while (true) {
    ++waiting_;
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --waiting_;
    if (stopping_) return;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = {};
    lock.lock();
  }
}

}  // namespace sealift::rpc
