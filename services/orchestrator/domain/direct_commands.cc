// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/domain/direct_commands.h"

namespace sealift::orchestrator {

Result<v1::CompleteCommandRequest> DirectCommands::ask(const std::string& host_id, const v1::Command& command,
                                                       milliseconds limit, const std::stop_token& stop) {
  const auto& id = command.command_id();
  std::unique_lock lock{mutex_};
  if (!asked_.emplace(id, Asked{host_id}).second)
    return fail(ErrorCode::internal, "a command was asked twice", "command_id");
  lock.unlock();
  const bool sent = hosts_.send(host_id, command);
  lock.lock();
  const auto is_answered = [&] { return asked_.at(id).result.has_value(); };
  if (sent) answered_.wait_for(lock, stop, limit, is_answered);
  const auto asked = asked_.extract(id);
  lock.unlock();
  if (asked.mapped().result) return *asked.mapped().result;
  if (stop.stop_requested()) return fail(ErrorCode::canceled, "nobody waits for the host any more");
  if (sent && hosts_.has(host_id)) return fail(ErrorCode::timeout, "the host does not answer", "host");
  return fail(ErrorCode::unavailable, "the host is not connected to this orchestrator", "host");
}

bool DirectCommands::complete(const std::string& host_id, const v1::CompleteCommandRequest& result) {
  {
    const std::lock_guard lock{mutex_};
    const auto found = asked_.find(result.command_id());
    if (found == asked_.end() || found->second.host_id != host_id) return false;
    found->second.result = result;
  }
  answered_.notify_all();
  return true;
}

}  // namespace sealift::orchestrator
