// SPDX-License-Identifier: Apache-2.0
/// Private to libs/rpc: sockets, TLS and time for a server's connections, by Boost.Asio: a few threads, each
/// with its own loop; a connection stays on one. This file's .cc is the only one that sees Asio.
#pragma once

#include "rpc/service.h"

namespace sealift::rpc {

class Listener {
 public:
  static Result<std::unique_ptr<Listener>> open(Service& service);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  std::uint16_t port() const noexcept;
  /// No more connections; the present ones end when they can. True once all have, at most after `limit`.
  bool drain(std::chrono::milliseconds limit);
  /// Ends the rest.
  void close_all();
  /// No callback runs after it.
  void join();

 private:
  class Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sealift::rpc
