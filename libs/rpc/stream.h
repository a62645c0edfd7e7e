// SPDX-License-Identifier: Apache-2.0
/// The server's end of a stream of messages to one caller. No thread belongs to it: messages are queued and
/// written as the caller takes them.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"

namespace google::protobuf {
class Message;
}

namespace sealift::rpc {

/// Private to libs/rpc.
class StreamSink {
 public:
  StreamSink() = default;
  StreamSink(const StreamSink&) = delete;
  StreamSink& operator=(const StreamSink&) = delete;
  virtual ~StreamSink() = default;
  virtual Status send(const google::protobuf::Message& message) = 0;
  virtual void finish(Status status) = 0;
  virtual void on_closed(std::function<void()> callback) = 0;
  virtual bool closed() const = 0;
};

/// A shared handle, usable by several threads and after the handler returned. When the last handle goes
/// without finish(), the stream ends with `internal`.
template <class Response>
class Stream {
 public:
  explicit Stream(std::shared_ptr<StreamSink> sink) noexcept : sink_{std::move(sink)} {}

  /// Queues the message; never waits. canceled where the stream is closed or finished; resource_exhausted
  /// where the caller takes messages too slowly and the queue is full: drop the message, or finish.
  Status send(const Response& message) { return sink_->send(message); }
  /// The last word. Messages queued before it still arrive. Later calls do nothing.
  void finish(Status status = {}) { sink_->finish(std::move(status)); }
  /// `callback` runs once, when the stream has ended for whatever reason; at once where it already has. It
  /// runs on a thread that serves others too: it must not block.
  void on_closed(std::function<void()> callback) { sink_->on_closed(std::move(callback)); }
  /// Nothing that is sent will arrive any more.
  bool closed() const { return sink_->closed(); }

 private:
  std::shared_ptr<StreamSink> sink_;
};

}  // namespace sealift::rpc
