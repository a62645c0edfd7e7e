// SPDX-License-Identifier: Apache-2.0
/// Private to libs/rpc: what a server's connection needs of the outside world. rpc/listener.cc has the real
/// one; tests and fuzzing have one without sockets.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "rpc/identity.h"

namespace sealift::rpc {

/// All calls but post() come from the one thread of this connection.
class Transport : public std::enable_shared_from_this<Transport> {
 public:
  using Time = std::chrono::steady_clock::time_point;
  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  /// Asks for one Connection::on_bytes(). Asking twice is asking once.
  virtual void read() = 0;
  /// Queues `bytes`; Connection::on_written() follows, never from within, once all that was queued is out.
  virtual void write(std::string bytes) = 0;
  /// Connection::on_expired() at `time`, unless another time is set before.
  virtual void expire_at(Time time) = 0;
  /// Tells the peer that nothing more follows; reading goes on.
  virtual void finish_writing() = 0;
  /// Ends it; Connection::on_closed() follows, never from within.
  virtual void close() = 0;
  /// Runs `work` on this connection's thread, with this object alive. Any thread may call it.
  virtual void post(std::function<void()> work) = 0;

  virtual const Identity& peer() = 0;
  /// Is the peer's certificate still good under the newest credentials?
  virtual Status check_peer() = 0;
};

}  // namespace sealift::rpc
