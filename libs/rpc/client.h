// SPDX-License-Identifier: Apache-2.0
/// Calls to one service, over a pool of kept connections. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "rpc/credentials.h"
#include "rpc/trace.h"

namespace google::protobuf {
class Message;
}

namespace sealift::rpc {

struct ChannelOptions {
  /// "host:port" or "[ipv6]:port"; several replicas, separated by commas: one at a time is used, and the next
  /// where that does not answer or says `unavailable`.
  std::string address;
  std::shared_ptr<Credentials> credentials;
  Identity server;  ///< whoever answers must be this one
  std::size_t idle_connections = 16;
  std::size_t message_limit =
      std::size_t{16} * 1024 * 1024;  ///< bytes of an answer, or of a stream's message
};

struct CallOptions {
  /// None: 30 s for a call, no end for a stream.
  std::optional<std::chrono::milliseconds> timeout = {};
  std::optional<Trace> trace = {};  ///< the Call's that this one is made for
  std::stop_token stop = {};        ///< ends the call with `canceled`
  bool once = false;                ///< never tried again: the caller knows another server to ask
};

class Channel {
 public:
  /// Connects with the first call. invalid_argument.
  static Result<std::unique_ptr<Channel>> create(ChannelOptions options);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel();

  /// `method` as in the .proto: "sealift.v1.LaunchService.GetLaunch"; another type than the method's ends the
  /// process. Returns the server's own Error (code, message, field), or unavailable, timeout, canceled,
  /// unauthenticated, a certificate_… code, malformed. `unavailable` is tried again, with growing pauses
  /// until the timeout, where the .proto calls the method idempotent.
  template <class Response, class Request>
  Result<Response> call(std::string_view method, const Request& request, const CallOptions& options = {}) {
    Response response;
    SEALIFT_CHECK(call_message(method, request, response, options));
    return response;
  }

  /// Gives every message of the stream to `on_message`, on this thread, until the server ends it (its verdict
  /// is returned), `on_message` fails (that is returned), or `stop`. Never tried again.
  template <class Response, class Request>
  Status stream(std::string_view method, const Request& request,
                std::function<Status(const Response&)> on_message, std::stop_token stop = {},
                CallOptions options = {}) {
    if (stop.stop_possible()) options.stop = std::move(stop);
    Response message;
    return stream_messages(method, request, message, [&] { return on_message(message); }, options);
  }

 private:
  class Impl;
  explicit Channel(std::unique_ptr<Impl> impl);
  Status call_message(std::string_view method, const google::protobuf::Message& request,
                      google::protobuf::Message& response, const CallOptions& options);
  Status stream_messages(std::string_view method, const google::protobuf::Message& request,
                         google::protobuf::Message& message, const std::function<Status()>& on_message,
                         const CallOptions& options);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sealift::rpc
