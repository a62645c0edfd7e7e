// SPDX-License-Identifier: Apache-2.0
/// What host agents say, and what becomes of launches by it. A host is who its certificate says; what it says
/// concerns only launches that were given to it, in the attempt that was.
#pragma once

#include "services/orchestrator/domain/direct_commands.h"
#include "services/orchestrator/domain/launch_steps.h"

namespace sealift::orchestrator {

class HostReports {
 public:
  HostReports(Stores stores, DirectCommands& direct, Signal& signal, const Clock& clock, const Limits& limits)
      : stores_{stores}, direct_{direct}, signal_{signal}, clock_{clock}, limits_{limits} {}

  /// invalid_argument, naming the attribute.
  Status register_host(const std::string& host_id, const v1::HostAttributes& attributes);
  /// The launches of `running` that must not run there. not_found where the host must register first.
  Result<std::vector<std::string>> heartbeat(const std::string& host_id,
                                             const std::vector<std::string>& running);
  /// The first result of a command counts. not_found where that command was never this host's.
  Status complete(const std::string& host_id, const v1::CompleteCommandRequest& request);
  /// failed_precondition where the launch is not this host's (any more).
  Status report(const std::string& host_id, const v1::ReportInstanceRequest& request);

 private:
  Status apply(Launch& launch, const v1::ReportInstanceRequest& request);
  Status end_vanished(const std::vector<store::LaunchRecord>& active,
                      const std::vector<std::string>& running);

  Stores stores_;
  DirectCommands& direct_;
  Signal& signal_;
  const Clock& clock_;
  const Limits& limits_;
};

}  // namespace sealift::orchestrator
