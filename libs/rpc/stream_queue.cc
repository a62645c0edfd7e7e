// SPDX-License-Identifier: Apache-2.0
#include "rpc/stream_queue.h"

#include "rpc/envelope.h"

namespace sealift::rpc {

Status StreamQueue::send(const google::protobuf::Message& message) {
  SEALIFT_TRY(const auto encoded, encode(message, encoding_));
  std::unique_lock lock{mutex_};
  if (closed_ || last_) return fail(ErrorCode::canceled, "the stream has ended");
  // One message always fits, so that a large one is not refused for ever.
  if (!queue_.empty() && queue_.size() + encoded.size() > limit_) {
    return fail(ErrorCode::resource_exhausted, "the caller takes the stream's messages too slowly");
  }
  queue_ += to_envelope(encoded);
  wake_once(std::move(lock));
  return {};
}

void StreamQueue::finish(Status status) {
  std::unique_lock lock{mutex_};
  if (closed_ || last_) return;
  last_ = std::move(status);
  wake_once(std::move(lock));
}

void StreamQueue::on_closed(std::function<void()> callback) {
  {
    const std::lock_guard lock{mutex_};
    if (!closed_) {
      callbacks_.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

bool StreamQueue::closed() const {
  const std::lock_guard lock{mutex_};
  return closed_ || last_.has_value();
}

void StreamQueue::wake_once(std::unique_lock<std::mutex> lock) {
  if (std::exchange(woken_, true)) return;
  lock.unlock();
  wake_();
}

StreamQueue::Batch StreamQueue::take() {
  const std::lock_guard lock{mutex_};
  woken_ = !queue_.empty() && !last_;  // after a batch the connection comes back by itself
  return {std::exchange(queue_, {}), last_};
}

void StreamQueue::close() {
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    queue_.clear();
    callbacks = std::exchange(callbacks_, {});
  }
  for (const auto& callback : callbacks) callback();
}

std::shared_ptr<StreamSink> finishing_handle(std::shared_ptr<StreamQueue> queue) {
  auto* const sink = queue.get();
  return {sink, [queue = std::move(queue)](StreamSink*) {
            queue->finish(fail(ErrorCode::internal, "the server lost the stream"));
          }};
}

}  // namespace sealift::rpc
