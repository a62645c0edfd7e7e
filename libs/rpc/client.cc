// SPDX-License-Identifier: Apache-2.0
#include "rpc/client.h"

#include <fmt/core.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "crypto/random.h"
#include "rpc/client_socket.h"
#include "rpc/codes.h"
#include "rpc/envelope.h"
#include "rpc/error_json.h"
#include "rpc/http1.h"

namespace sealift::rpc {
namespace {

using Steady = std::chrono::steady_clock;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

constexpr std::size_t kHeadLimit = 16 * 1024;
constexpr std::size_t kReadSize = 16 * 1024;
constexpr std::chrono::milliseconds kDefaultTimeout{30'000};
// Shorter than a server's idle_time, so that it is rarely the one who closes.
constexpr std::chrono::seconds kIdleTime{60};
/// Then the server's certificate is looked at again.
constexpr std::chrono::minutes kConnectionAge{10};
constexpr std::chrono::milliseconds kFirstPause{20};
constexpr std::chrono::milliseconds kLongestPause{2000};
/// Then nobody is there: a machine that lost its power refuses no connection. Shorter where another replica
/// can be asked.
constexpr std::chrono::milliseconds kDialTime{10'000};
constexpr std::chrono::milliseconds kDialTimeOfReplica{2000};
constexpr std::string_view kProto = "application/proto";
constexpr std::string_view kStreamProto = "application/connect+proto";

void require(bool holds, std::string_view method, std::string_view what) {
  if (holds) return;
  fmt::print(stderr, "rpc call of {}: {}\n", method, what);
  std::abort();
}

const MethodDescriptor& find_method(std::string_view name, const Message& request, const Message& response,
                                    bool streams) {
  const auto* const method =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(std::string{name});
  require(method != nullptr, name, "no .proto that is linked here has it");
  require(method->server_streaming() == streams && !method->client_streaming(), name,
          "unary and streaming are mixed up");
  require(method->input_type() == request.GetDescriptor(), name, "another type of request");
  require(method->output_type() == response.GetDescriptor(), name, "another type of response");
  return *method;
}

bool may_repeat(const MethodDescriptor& method) {
  return method.options().idempotency_level() != google::protobuf::MethodOptions::IDEMPOTENCY_UNKNOWN;
}

/// Half of it for certain, half by chance, so that those who were refused together do not return together.
std::chrono::milliseconds with_jitter(std::chrono::milliseconds pause) {
  const auto random = crypto::random_array<2>();
  const auto share = (std::int64_t{random[0]} << 8U) + random[1];
  return pause / 2 + pause * share / 65536 / 2;
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const auto comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

Status decode(std::string_view bytes, Message& message) {
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return {};
  return fail(ErrorCode::malformed, fmt::format("the server's answer is not a {}", message.GetTypeName()));
}

struct Request {
  std::string path;
  std::string_view content_type;
  std::string body;
};

Result<std::string> serialized(const Message& message) {
  std::string bytes;
  if (message.SerializeToString(&bytes)) return bytes;
  return fail(ErrorCode::too_large, "the request is too large to be sent", "body");
}

std::string head_of(const Request& request, const std::string& host, const CallOptions& call,
                    const Patience& patience) {
  const auto trace = call.trace ? call.trace->child() : Trace::random();
  auto head = fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: {}\r\nConnect-Protocol-Version: 1\r\n"
      "Content-Length: {}\r\ntraceparent: {}\r\n",
      request.path, host, request.content_type, request.body.size(), trace.traceparent());
  if (patience.deadline() != Patience::Time::max()) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(patience.deadline() - Steady::now()).count();
    head += fmt::format("Connect-Timeout-Ms: {}\r\n", std::clamp<std::int64_t>(left, 0, 9'999'999'999));
  }
  return head + "\r\n";
}

}  // namespace

class Channel::Impl {
 public:
  explicit Impl(ChannelOptions given)
      : options{std::move(given)}, addresses_{split_at_commas(options.address)} {}

  Status unary(const MethodDescriptor& method, const Message& request, Message& response,
               const CallOptions& call);
  Status stream(const MethodDescriptor& method, const Message& request, Message& message,
                const std::function<Status()>& on_message, const CallOptions& call);

  const ChannelOptions options;

 private:
  using Socket = std::unique_ptr<ClientSocket>;
  struct Exchange {
    Socket socket;
    ResponseReader response;
    std::string rest;  // bytes read behind what the response took
  };

  /// `once`: the caller knows another server.
  Result<Socket> take(bool once, const Patience& patience);
  Result<Socket> dial(std::shared_ptr<const CredentialSet> credentials, bool once, const Patience& patience);
  /// Leaves the replica that `address` names for the next one.
  void leave(const std::string& address);
  void put_back(Exchange exchange);
  /// Sends the request and reads the answer's head.
  Result<Exchange> begin(const Request& request, const CallOptions& call, const Patience& patience);
  Status read_more(Exchange& exchange, const Patience& patience) const;
  Status attempt(const Request& request, Message& response, const CallOptions& call,
                 const Patience& patience);
  Status refused(Exchange exchange, const Patience& patience);
  Status follow(Exchange& exchange, Message& message, const std::function<Status()>& on_message,
                const Patience& patience) const;

  const std::vector<std::string> addresses_;
  std::mutex mutex_;
  std::size_t present_ = 0;  // which of the addresses is used
  std::vector<Socket> idle_;
};

Result<Channel::Impl::Socket> Channel::Impl::take(bool once, const Patience& patience) {
  const auto credentials = options.credentials->current();
  const auto now = Steady::now();
  while (true) {
    Socket socket;
    {
      const std::lock_guard lock{mutex_};
      if (idle_.empty()) break;
      socket = std::move(idle_.back());
      idle_.pop_back();
    }
    const bool fresh = socket->credentials() == credentials && now - socket->last_used < kIdleTime &&
                       now - socket->opened() < kConnectionAge;
    if (fresh && socket->is_quiet()) return socket;
  }
  return dial(credentials, once, patience);
}

Result<Channel::Impl::Socket> Channel::Impl::dial(std::shared_ptr<const CredentialSet> credentials, bool once,
                                                  const Patience& patience) {
  Result<Socket> socket = fail(ErrorCode::unavailable, "no address", "address");
  for (std::size_t left = addresses_.size(); left > 0; --left) {
    const auto& address = [this]() -> const std::string& {
      const std::lock_guard lock{mutex_};
      return addresses_[present_];
    }();
    socket = ClientSocket::dial(address, credentials, options.server,
                                patience.at_most(once || left > 1 ? kDialTimeOfReplica : kDialTime));
    if (socket) return socket;
    const bool silent = socket.error().code == ErrorCode::timeout;
    if (!silent && socket.error().code != ErrorCode::unavailable) return socket;
    leave(address);
    if (Steady::now() >= patience.deadline()) return socket;
    if (silent) socket = fail(ErrorCode::unavailable, "nobody answers at " + address, "address");
  }
  return socket;
}

void Channel::Impl::leave(const std::string& address) {
  const std::lock_guard lock{mutex_};
  if (addresses_.size() == 1 || addresses_[present_] != address) return;  // another call has left it already
  present_ = (present_ + 1) % addresses_.size();
  idle_.clear();
}

void Channel::Impl::put_back(Exchange exchange) {
  if (!exchange.response.done() || !exchange.response.head().keep_alive || !exchange.rest.empty()) return;
  exchange.socket->last_used = Steady::now();
  const std::lock_guard lock{mutex_};
  if (idle_.size() < options.idle_connections) idle_.push_back(std::move(exchange.socket));
}

Result<Channel::Impl::Exchange> Channel::Impl::begin(const Request& request, const CallOptions& call,
                                                     const Patience& patience) {
  SEALIFT_TRY(auto socket, take(call.once, patience));
  Exchange exchange{std::move(socket), ResponseReader{kHeadLimit, options.message_limit}, {}};
  auto message = head_of(request, exchange.socket->address(), call, patience);
  message += request.body;
  const auto written = exchange.socket->write(message, patience);
  // A server that refuses early answers before it has read everything: its answer tells more.
  if (!written && written.error().code != ErrorCode::unavailable) return tl::unexpected(written.error());
  while (!exchange.response.head_done()) SEALIFT_CHECK(read_more(exchange, patience));
  return exchange;
}

Status Channel::Impl::read_more(Exchange& exchange, const Patience& patience) const {
  std::array<std::uint8_t, kReadSize> buffer;
  const bool more_is_here = !exchange.rest.empty();
  if (more_is_here) {
    SEALIFT_TRY(const auto taken, exchange.response.feed(as_bytes(exchange.rest)));
    exchange.rest.erase(0, taken);
    if (taken != 0) return {};
  }
  SEALIFT_TRY(const auto size, exchange.socket->read(buffer, patience));
  exchange.rest += as_text({buffer.data(), size});
  SEALIFT_TRY(const auto taken, exchange.response.feed(as_bytes(exchange.rest)));
  exchange.rest.erase(0, taken);
  return {};
}

Status Channel::Impl::refused(Exchange exchange, const Patience& patience) {
  std::string body;
  const auto head = exchange.response.head();
  while (!exchange.response.done() && body.size() <= kErrorJsonLimit) {
    SEALIFT_CHECK(read_more(exchange, patience));
    body += exchange.response.take_body();
  }
  body += exchange.response.take_body();
  auto error = error_from_json(body, head.status);
  if (error.code == ErrorCode::unavailable && addresses_.size() > 1) {
    leave(exchange.socket->address());
  } else {
    put_back(std::move(exchange));
  }
  return tl::unexpected(std::move(error));
}

Status Channel::Impl::attempt(const Request& request, Message& response, const CallOptions& call,
                              const Patience& patience) {
  SEALIFT_TRY(auto exchange, begin(request, call, patience));
  const auto head = exchange.response.head();
  if (head.status != 200) return refused(std::move(exchange), patience);
  if (head.content_type != kProto) {
    return fail(ErrorCode::malformed, fmt::format("the server answered with {}", head.content_type));
  }
  while (!exchange.response.done()) SEALIFT_CHECK(read_more(exchange, patience));
  const auto body = exchange.response.take_body();
  put_back(std::move(exchange));
  return decode(body, response);
}

Status Channel::Impl::unary(const MethodDescriptor& method, const Message& request, Message& response,
                            const CallOptions& call) {
  const Patience patience{Steady::now() + call.timeout.value_or(kDefaultTimeout), call.stop};
  SEALIFT_TRY(auto body, serialized(request));
  const Request wire{fmt::format("/{}/{}", method.service()->full_name(), method.name()), kProto,
                     std::move(body)};
  for (auto pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
    auto status = attempt(wire, response, call, patience);
    if (status || status.error().code != ErrorCode::unavailable) return status;
    if (call.once || !may_repeat(method)) return status;
    const auto next = Steady::now() + with_jitter(pause);
    if (next >= patience.deadline()) return status;
    SEALIFT_CHECK(patience.sleep_until(next));
  }
}

Status Channel::Impl::follow(Exchange& exchange, Message& message, const std::function<Status()>& on_message,
                             const Patience& patience) const {
  EnvelopeReader reader{options.message_limit};
  while (true) {
    reader.add(exchange.response.take_body());
    while (true) {
      SEALIFT_TRY(const auto envelope, reader.next());
      if (!envelope) break;
      if (envelope->end_of_stream) {
        while (!exchange.response.done()) SEALIFT_CHECK(read_more(exchange, patience));
        return end_of_stream_from_json(envelope->message);
      }
      SEALIFT_CHECK(decode(envelope->message, message));
      SEALIFT_CHECK(on_message());
    }
    if (exchange.response.done()) {
      return fail(ErrorCode::malformed, "the stream has no last message");
    }
    SEALIFT_CHECK(read_more(exchange, patience));
  }
}

Status Channel::Impl::stream(const MethodDescriptor& method, const Message& request, Message& message,
                             const std::function<Status()>& on_message, const CallOptions& call) {
  const auto deadline = call.timeout ? Steady::now() + *call.timeout : Patience::Time::max();
  const Patience patience{deadline, call.stop};
  SEALIFT_TRY(const auto body, serialized(request));
  const Request wire{fmt::format("/{}/{}", method.service()->full_name(), method.name()), kStreamProto,
                     to_envelope(body)};
  SEALIFT_TRY(auto exchange, begin(wire, call, patience));
  const auto head = exchange.response.head();
  if (head.status != 200) return refused(std::move(exchange), patience);
  if (head.content_type != kStreamProto) {
    return fail(ErrorCode::malformed, fmt::format("the server answered with {}", head.content_type));
  }
  auto status = follow(exchange, message, on_message, patience);
  put_back(std::move(exchange));
  return status;
}

Channel::Channel(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Channel::~Channel() = default;

Result<std::unique_ptr<Channel>> Channel::create(ChannelOptions options) {
  if (!options.credentials) {
    return fail(ErrorCode::invalid_argument, "a channel needs credentials", "credentials");
  }
  for (const auto& address : split_at_commas(options.address)) SEALIFT_CHECK(check_address(address));
  return std::unique_ptr<Channel>{new Channel{std::make_unique<Impl>(std::move(options))}};
}

Status Channel::call_message(std::string_view method, const Message& request, Message& response,
                             const CallOptions& options) {
  return impl_->unary(find_method(method, request, response, false), request, response, options);
}

Status Channel::stream_messages(std::string_view method, const Message& request, Message& message,
                                const std::function<Status()>& on_message, const CallOptions& options) {
  return impl_->stream(find_method(method, request, message, true), request, message, on_message, options);
}

}  // namespace sealift::rpc
