// SPDX-License-Identifier: Apache-2.0
/// Streams of launch events. One thread serves all of them: a watcher that reads slowly gets its events
/// later, never fewer.
#pragma once

#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "rpc/stream.h"
#include "services/orchestrator/domain/customer_requests.h"

namespace sealift::orchestrator {

class Watches {
 public:
  static constexpr std::size_t kMaxWatches = 10'000;

  Watches(CustomerRequests& requests, Signal& signal);

  /// resource_exhausted where there are too many.
  Status add(std::string tenant, const v1::WatchLaunchRequest& request, rpc::Stream<v1::LaunchEvent> stream);

 private:
  struct Watch {
    std::string tenant;
    std::string launch_id;
    std::uint32_t sent;  ///< sequence of the last event that was sent
    bool only_past;
    rpc::Stream<v1::LaunchEvent> stream;
  };
  void serve(const std::stop_token& stop);
  /// False where it is over.
  bool serve(Watch& watch);

  CustomerRequests& requests_;
  Signal& signal_;
  std::mutex mutex_;
  std::list<Watch> added_;
  std::size_t count_ = 0;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace sealift::orchestrator
