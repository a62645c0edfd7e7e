// SPDX-License-Identifier: Apache-2.0
/// Private to libs/rpc: the messages of one stream between its handler, on any thread, and its connection.
#pragma once

#include <mutex>
#include <vector>

#include "rpc/protocol.h"
#include "rpc/stream.h"

namespace sealift::rpc {

class StreamQueue final : public StreamSink {
 public:
  /// `wake` asks the connection to take(); it is called from any thread.
  StreamQueue(Encoding encoding, std::size_t limit, std::function<void()> wake)
      : encoding_{encoding}, limit_{limit}, wake_{std::move(wake)} {}

  Status send(const google::protobuf::Message& message) override;
  void finish(Status status) override;
  void on_closed(std::function<void()> callback) override;
  bool closed() const override;

  struct Batch {
    std::string envelopes;       ///< as many as there are
    std::optional<Status> last;  ///< the stream's end, where that is all
  };
  /// For the connection: what waits, once it is woken. Empty: it will be woken again.
  Batch take();
  /// For the connection: nothing more will be taken.
  void close();

 private:
  void wake_once(std::unique_lock<std::mutex> lock);

  const Encoding encoding_;
  const std::size_t limit_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::string queue_;
  std::optional<Status> last_;
  bool woken_ = false;
  bool closed_ = false;
  std::vector<std::function<void()>> callbacks_;
};

/// A handle on `queue` whose end finishes it, should nobody have done so.
std::shared_ptr<StreamSink> finishing_handle(std::shared_ptr<StreamQueue> queue);

}  // namespace sealift::rpc
