// SPDX-License-Identifier: Apache-2.0
/// The one door of a service: the Connect protocol over HTTP/1.1 over TLS 1.3 with certificates on both
/// sides.
///
/// Everything a peer can use up is bounded; the defaults are safe for a public address. A peer without a
/// valid certificate gets no byte of HTTP read.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "rpc/credentials.h"
#include "rpc/limits.h"
#include "rpc/router.h"

namespace sealift::rpc {

/// One call that has ended, for logs and counts.
struct CallReport {
  std::string method;  ///< "" where none was found
  Identity caller;
  Trace trace;
  Status status;  ///< with its detail
  std::chrono::microseconds took{};
};

struct ServerOptions {
  std::string address = "127.0.0.1";  ///< numeric, IPv4 or IPv6
  std::uint16_t port = 0;             ///< 0: any free one
  std::shared_ptr<Credentials> credentials = {};

  std::size_t connections = 4096;
  std::size_t handshakes = 256;                 ///< connections whose peer is not known yet
  std::map<Role, PeerLimits> peer_limits = {};  ///< default_limits() for roles that are not here
  std::size_t head_limit = 16 * 1024;           ///< bytes of a request's first line and headers
  std::size_t body_limit = 1024 * 1024;         ///< bytes; Router::limit_body() for single methods
  std::size_t body_memory = 256 * 1024 * 1024;  ///< bytes of all bodies together
  std::size_t stream_queue = 1024 * 1024;       ///< bytes that wait in one stream
  std::size_t workers = 32;                     ///< threads for handlers
  std::size_t queued_calls = 256;               ///< calls that wait for one of them
  std::size_t io_threads = 2;

  std::chrono::milliseconds handshake_time{10'000};
  std::chrono::milliseconds idle_time{120'000};  ///< between two requests
  std::chrono::milliseconds head_time{10'000};   ///< from a request's first byte to its last header
  std::chrono::milliseconds body_time{60'000};
  std::chrono::milliseconds write_time{60'000};  ///< an answer, or one batch of a stream's messages
  std::chrono::milliseconds call_time{
      60'000};  ///< a unary call's deadline where its caller names none or a later one
  std::chrono::milliseconds drain_time{5'000};  ///< for running calls after stop()

  /// What HealthService/Check answers.
  std::function<Status()> health = [] { return Status{}; };
  /// Called after every call, on any thread; it must not block.
  std::function<void(const CallReport&)> on_call = {};
};

class Server {
 public:
  /// Listens when it returns. invalid_argument, unavailable (the address cannot be bound), ….
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Router router);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  std::uint16_t port() const noexcept;
  /// Takes no more connections, ends streams with `unavailable`, lets running calls finish within drain_time,
  /// then waits for the handlers that still run.
  void stop();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sealift::rpc
