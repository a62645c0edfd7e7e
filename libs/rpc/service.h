// SPDX-License-Identifier: Apache-2.0
/// Private to libs/rpc: what the connections of one server share.
#pragma once

#include <atomic>

#include "rpc/server.h"
#include "rpc/workers.h"

namespace sealift::rpc {

struct Service {
  Service(ServerOptions the_options, Router the_router)
      : options{std::move(the_options)},
        router{std::move(the_router)},
        peers{options.peer_limits},
        largest_body{std::max(options.body_limit, router.largest_body_limit())},
        workers{options.workers, options.queued_calls} {}

  const ServerOptions options;
  const Router router;
  PeerTable peers;
  const std::size_t largest_body;
  std::atomic<std::size_t> body_memory = 0;
  std::atomic<bool> stopping = false;
  Workers workers;  // last: they use all of the above
};

}  // namespace sealift::rpc
