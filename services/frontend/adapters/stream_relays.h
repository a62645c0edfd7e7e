// SPDX-License-Identifier: Apache-2.0
/// Streams of the zone, relayed to tenants. Each has a thread that pulls from the zone as fast as the tenant
/// takes, and goes on with another orchestrator where one is lost; their number is bounded. At the tenant's
/// side a stream takes no thread.
#pragma once

#include <list>
#include <mutex>
#include <thread>

#include "rpc/stream.h"
#include "services/frontend/adapters/zone_channels.h"

namespace sealift::frontend {

class StreamRelays {
 public:
  StreamRelays(ZoneChannels& zone, std::size_t limit) : zone_{zone}, limit_{limit} {}

  /// resource_exhausted where there are too many.
  Status add(const rpc::Call& call, v1::ZoneWatchLaunchRequest request, rpc::Stream<v1::LaunchEvent> stream);
  Status add(const rpc::Call& call, v1::ZoneWatchConsoleRequest request,
             rpc::Stream<v1::ConsoleChunk> stream);

 private:
  struct Relay {
    bool done = false;
    std::jthread thread = {};
  };
  template <class Message, class Request>
  Status start(const rpc::Call& call, std::string_view method, Request request, rpc::Stream<Message> stream);

  ZoneChannels& zone_;
  const std::size_t limit_;
  std::mutex mutex_;
  std::list<Relay> relays_;  // last: they use the others
};

}  // namespace sealift::frontend
