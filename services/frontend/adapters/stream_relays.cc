// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/adapters/stream_relays.h"

#include <condition_variable>

namespace sealift::frontend {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kSlowReader{20};
constexpr milliseconds kReconnect{200};
constexpr std::chrono::seconds kPatience{30};  // with orchestrators, none of which answers
constexpr std::chrono::seconds kSteady{2};     // a stream that lasted so long was a good one

/// Sleeps; false where it was stopped.
bool pause(const std::stop_token& stop, milliseconds time) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock{mutex};
  never.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

/// Where the stream goes on after `message`.
void go_on_after(const v1::LaunchEvent& message, v1::ZoneWatchLaunchRequest& request) {
  request.mutable_request()->set_after_sequence(message.sequence());
}
void go_on_after(const v1::ConsoleChunk& message, v1::ZoneWatchConsoleRequest& request) {
  request.mutable_request()->set_offset(message.offset() + message.data().size());
}

/// Waits until there is room in the tenant's queue: what it does not take stays with the zone.
template <class Message>
Status deliver(rpc::Stream<Message>& stream, const Message& message, const std::stop_token& stop) {
  while (true) {
    auto sent = stream.send(message);
    if (sent || sent.error().code != ErrorCode::resource_exhausted) return sent;
    if (!pause(stop, kSlowReader)) return fail(ErrorCode::canceled, "the stream was closed");
  }
}

/// What one tries when `replica` has nothing to say: false where there is nothing to pause for.
bool is_elsewhere(const Error& error, v1::ZoneWatchConsoleRequest& request, std::size_t tried,
                  const ZoneChannels& zone) {
  if (error.field != "host" || !request.only_direct()) return false;
  // None has the host, or we never reach the one that does: then through the store.
  request.set_only_direct(tried < zone.replicas());
  return true;
}
bool is_elsewhere(const Error&, v1::ZoneWatchLaunchRequest&, std::size_t, const ZoneChannels&) {
  return false;
}

template <class Message, class Request>
Status relay(ZoneChannels& zone, const rpc::Call& call, std::string_view method, Request& request,
             rpc::Stream<Message>& stream, const std::stop_token& stop) {
  std::size_t tried = 0;  // since the last good stream
  auto replica = zone.preferred();
  for (auto until = Steady::now() + kPatience;; ++replica) {
    const auto begun = Steady::now();
    bool is_good = false;
    const std::function<Status(const Message&)> on_message = [&](const Message& message) -> Status {
      SEALIFT_CHECK(deliver(stream, message, stop));
      go_on_after(message, request);
      is_good = true;
      return {};
    };
    auto ended = zone.stream<Message>(replica, call, method, request, on_message, stop);
    if (is_good || Steady::now() - begun > kSteady) {
      tried = 0;
      until = Steady::now() + kPatience;
    }
    if (ended || ended.error().code != ErrorCode::unavailable || Steady::now() >= until) return ended;
    if (is_elsewhere(ended.error(), request, ++tried, zone)) continue;
    if (!pause(stop, kReconnect)) return ended;
  }
}

}  // namespace

template <class Message, class Request>
Status StreamRelays::start(const rpc::Call& call, std::string_view method, Request request,
                           rpc::Stream<Message> stream) {
  const std::lock_guard lock{mutex_};
  std::erase_if(relays_, [](const Relay& each) { return each.done; });
  if (relays_.size() >= limit_)
    return fail(ErrorCode::resource_exhausted, "too many launches and consoles are watched just now");
  auto& added = relays_.emplace_back();
  added.thread = std::jthread{[this, &added, call, method, request = std::move(request),
                               stream](const std::stop_token& stop) mutable {
    stream.finish(relay(zone_, call, method, request, stream, stop));
    const std::lock_guard done{mutex_};
    added.done = true;
  }};
  stream.on_closed([stop = added.thread.get_stop_source()]() mutable { stop.request_stop(); });
  return {};
}

Status StreamRelays::add(const rpc::Call& call, v1::ZoneWatchLaunchRequest request,
                         rpc::Stream<v1::LaunchEvent> stream) {
  return start(call, "WatchLaunch", std::move(request), std::move(stream));
}

Status StreamRelays::add(const rpc::Call& call, v1::ZoneWatchConsoleRequest request,
                         rpc::Stream<v1::ConsoleChunk> stream) {
  request.set_only_direct(true);
  return start(call, "WatchConsole", std::move(request), std::move(stream));
}

}  // namespace sealift::frontend
