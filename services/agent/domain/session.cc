// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/session.h"

#include <fmt/core.h>

#include <thread>

#include "services/agent/domain/backoff.h"

namespace sealift::agent {
namespace {

using Steady = std::chrono::steady_clock;

void pause(milliseconds length, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any nobody;
  std::unique_lock lock{mutex};
  nobody.wait_for(lock, stop, length, [] { return false; });
}

}  // namespace

void Session::run(const std::stop_token& stop) {
  for (Backoff backoff{world_.limits}; !stop.stop_requested(); backoff.wait(stop)) {
    const auto begun = Steady::now();
    const auto ended = once(stop);
    if (stop.stop_requested()) return;
    world_.log(ended ? std::string{"orchestrator: the stream ended"}
                     : fmt::format("orchestrator: {}: {}", name(ended.error().code), ended.error().message));
    if (!ended) world_.orchestrator.try_another();
    if (Steady::now() - begun > world_.limits.steady) backoff.reset();
  }
}

Status Session::once(const std::stop_token& stop) {
  v1::RegisterRequest request;
  *request.mutable_attributes() = attributes_;
  SEALIFT_TRY(const auto answer, world_.orchestrator.register_host(request));
  world_.log("orchestrator: registered");
  const auto interval = std::clamp(milliseconds{answer.heartbeat_interval_ms()},
                                   world_.limits.shortest_heartbeat, world_.limits.longest_heartbeat);
  std::stop_source over;
  const std::stop_callback also{stop, [&over] { over.request_stop(); }};
  const std::jthread beating{[&](const std::stop_token& quit) { beat(interval, quit, over); }};
  return world_.orchestrator.stream_commands(
      [this](const v1::Command& command) { return commands_.take(command); }, over.get_token());
}

void Session::beat(milliseconds interval, const std::stop_token& stop, std::stop_source& over) {
  for (int missed = 0; !stop.stop_requested(); pause(interval, stop)) {
    instances_.stop_strangers();
    instances_.forget_ended();
    const auto sent = beat_once();
    missed = sent ? 0 : missed + 1;
    if (sent) continue;
    world_.log(fmt::format("heartbeat: {}: {}", name(sent.error().code), sent.error().message));
    // It forgot us: we must register again.
    if (missed < world_.limits.missed_heartbeats && sent.error().code != ErrorCode::not_found) continue;
    over.request_stop();
    return;
  }
}

Status Session::beat_once() {
  v1::HeartbeatRequest request;
  for (auto& id : instances_.running()) request.add_running(std::move(id));
  SEALIFT_TRY(const auto answer, world_.orchestrator.heartbeat(request));
  instances_.stop_launches({answer.stop().begin(), answer.stop().end()});
  return {};
}

}  // namespace sealift::agent
