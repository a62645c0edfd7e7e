// SPDX-License-Identifier: Apache-2.0
/// What front ends ask on behalf of their tenants. A launch of another tenant is not_found, as one that never
/// was.
#pragma once

#include "services/orchestrator/domain/direct_commands.h"
#include "services/orchestrator/domain/launch_steps.h"

namespace sealift::orchestrator {

class CustomerRequests {
 public:
  CustomerRequests(Stores stores, DirectCommands& direct, Objects& objects, Signal& signal,
                   const Clock& clock, const Limits& limits)
      : stores_{stores},
        direct_{direct},
        objects_{objects},
        signal_{signal},
        clock_{clock},
        limits_{limits} {}

  /// The launch of that idempotency key, new or as it stands. conflict where the key was used for another
  /// request; resource_exhausted above the quota.
  Result<v1::Launch> create(const v1::ZoneCreateLaunchRequest& request);
  Result<v1::Launch> get(const std::string& tenant, const std::string& launch_id);
  Result<v1::ListLaunchesResponse> list(const std::string& tenant, const v1::ListLaunchesRequest& request);
  Result<v1::ListUsageResponse> usage(const std::string& tenant, const v1::ListUsageRequest& request);
  /// Ends it in whatever state it is.
  Result<v1::Launch> stop(const std::string& tenant, const std::string& launch_id);

  /// Events after `sequence`; the last one of a launch that is over says so.
  Result<std::vector<v1::LaunchEvent>> events(const std::string& tenant, const std::string& launch_id,
                                              std::uint32_t after_sequence);

  /// failed_precondition unless the launch awaits its customer.
  Result<v1::Target> target(const std::string& tenant, const std::string& launch_id);
  /// Relays; waits for the host's answer.
  Result<v1::ChallengeTargetResponse> challenge(const std::string& tenant,
                                                const v1::ChallengeTargetRequest& request);
  Result<v1::Launch> authorize(const std::string& tenant, const v1::AuthorizeTargetRequest& request);
  Result<v1::Launch> refuse(const std::string& tenant, const v1::RefuseTargetRequest& request);

  /// Bytes of the guest's console from the request's offset, waiting a little for some: over the host's own
  /// stream where that comes from this replica, or else through the store. unavailable at "host" where
  /// `only_direct` forbids the latter; timeout where the host is silent.
  Result<v1::ConsoleResult> console(const v1::ZoneWatchConsoleRequest& request, const std::stop_token& stop);

 private:
  Result<Launch> find(const std::string& tenant, const std::string& launch_id);
  Result<Launch> awaiting_customer(const std::string& tenant, const std::string& launch_id,
                                   std::uint32_t attempt);
  Result<v1::Launch> commit(Launch launch);
  /// The command that takes it to the host.
  Result<std::string> relay_question(const std::string& tenant, const v1::ChallengeTargetRequest& request);
  Result<v1::CompleteCommandRequest> wait_for(const std::string& command_id, milliseconds limit,
                                              const std::stop_token& stop = {});
  Result<v1::CompleteCommandRequest> through_the_store(const Launch& launch, const std::string& name,
                                                       v1::Command body, const std::stop_token& stop);

  Stores stores_;
  DirectCommands& direct_;
  Objects& objects_;
  Signal& signal_;
  const Clock& clock_;
  const Limits& limits_;
};

}  // namespace sealift::orchestrator
