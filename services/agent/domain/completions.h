// SPDX-License-Identifier: Apache-2.0
/// The results of commands on their way to the orchestrator: sent again until they are acknowledged. What is
/// lost with this process is no loss, because a command comes again until its result has arrived.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "services/agent/domain/lane.h"
#include "services/agent/domain/limits.h"
#include "services/agent/domain/ports.h"

namespace sealift::agent {

class Completions {
 public:
  Completions(Orchestrator& orchestrator, const Limits& limits, Log log)
      : orchestrator_{orchestrator},
        limits_{limits},
        log_{std::move(log)},
        lane_{limits.result_senders, limits.waiting_results} {}

  /// Never waits. One result for each command_id at a time; others are dropped.
  void add(v1::CompleteCommandRequest result);
  void refuse(const std::string& command_id, const Error& why);

 private:
  void send(const v1::CompleteCommandRequest& result, const std::stop_token& stop);
  Orchestrator& orchestrator_;
  const Limits& limits_;
  Log log_;
  std::mutex mutex_;
  std::set<std::string> waiting_;
  Lane lane_;  // last: it uses the others
};

}  // namespace sealift::agent
