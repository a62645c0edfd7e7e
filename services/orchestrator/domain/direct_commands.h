// SPDX-License-Identifier: Apache-2.0
/// Commands to hosts that are connected to this replica, past the store: for what nothing is lost with, and
/// what would cost the store a write for nothing (reading a console that is quiet).
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>

#include "services/orchestrator/domain/limits.h"
#include "services/orchestrator/domain/ports.h"

namespace sealift::orchestrator {

/// Thread-safe.
class DirectCommands {
 public:
  explicit DirectCommands(ConnectedHosts& hosts) : hosts_{hosts} {}

  /// Sends it and waits for its result. unavailable at "host" where the host is not connected here (any
  /// more); timeout where it is and says nothing; canceled.
  Result<v1::CompleteCommandRequest> ask(const std::string& host_id, const v1::Command& command,
                                         milliseconds limit, const std::stop_token& stop);
  /// The host's result. False where it is none that ask() waits for.
  bool complete(const std::string& host_id, const v1::CompleteCommandRequest& result);

 private:
  struct Asked {
    std::string host_id;
    std::optional<v1::CompleteCommandRequest> result = {};
  };

  ConnectedHosts& hosts_;
  std::mutex mutex_;
  std::condition_variable_any answered_;
  std::map<std::string, Asked> asked_;  ///< by command_id
};

}  // namespace sealift::orchestrator
