// SPDX-License-Identifier: Apache-2.0
/// Streams of what guests print. Each is read from its host bit by bit, so each has a thread; their number is
/// bounded.
#pragma once

#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "rpc/stream.h"
#include "services/orchestrator/domain/customer_requests.h"

namespace sealift::orchestrator {

class ConsoleStreams {
 public:
  static constexpr std::size_t kMaxStreams = 64;

  explicit ConsoleStreams(CustomerRequests& requests) : requests_{requests} {}

  /// resource_exhausted where there are too many.
  Status add(const v1::ZoneWatchConsoleRequest& request, rpc::Stream<v1::ConsoleChunk> stream);

 private:
  struct Reader {
    bool done = false;
    std::jthread thread = {};
  };
  void read(const std::stop_token& stop, v1::ZoneWatchConsoleRequest request,
            rpc::Stream<v1::ConsoleChunk>& stream);

  CustomerRequests& requests_;
  std::mutex mutex_;
  std::list<Reader> readers_;  // last: they use the others
};

}  // namespace sealift::orchestrator
