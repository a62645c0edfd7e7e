// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/completions.h"

#include <fmt/core.h>

#include "services/agent/domain/backoff.h"
#include "services/agent/domain/refusal.h"

namespace sealift::agent {

using Steady = std::chrono::steady_clock;

void Completions::add(v1::CompleteCommandRequest result) {
  const auto id = result.command_id();
  const std::lock_guard lock{mutex_};
  if (!waiting_.insert(id).second) return;
  const bool taken = lane_.post([this, result = std::move(result)](const std::stop_token& stop) {
    send(result, stop);
    const std::lock_guard done{mutex_};
    waiting_.erase(result.command_id());
  });
  if (taken) return;
  waiting_.erase(id);
  log_(fmt::format("result_dropped command={}: too many wait", id));
}

void Completions::refuse(const std::string& command_id, const Error& why) {
  v1::CompleteCommandRequest result;
  result.set_command_id(command_id);
  *result.mutable_refusal() = to_refusal(why);
  add(std::move(result));
}

void Completions::send(const v1::CompleteCommandRequest& result, const std::stop_token& stop) {
  const auto until = Steady::now() + limits_.result_patience;
  for (Backoff backoff{limits_}; !stop.stop_requested(); backoff.wait(stop)) {
    const auto sent = orchestrator_.complete(result);
    if (sent) return;
    if (!is_final_answer(sent.error().code) && Steady::now() < until) continue;
    log_(fmt::format("result_refused command={} {}: {}", result.command_id(), name(sent.error().code),
                     sent.error().message));
    return;
  }
}

}  // namespace sealift::agent
