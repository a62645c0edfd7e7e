// SPDX-License-Identifier: Apache-2.0
/// Following a launch: every event as it comes, until what the user waits for.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "rpc/client.h"
#include "sealift/v1/launches.pb.h"

namespace sealift::cli {

enum class Until : std::uint8_t { running, over };

/// Shows every event (a line, or with --json a document a line) and calls `on_event` for it. A connection
/// that breaks is made again, and no event is shown twice or left out. Returns when the launch is where it
/// should be, or over. canceled where the user interrupts: the launch goes on.
Status follow_launch(rpc::Channel& frontend, const std::string& launch_id, Until until, Context& context,
                     const std::function<Status(const v1::LaunchEvent&)>& on_event);

/// The events that there are now.
Result<std::vector<v1::LaunchEvent>> past_events(rpc::Channel& frontend, const std::string& launch_id);

/// The launch as it is now; its refusal as the error where it was refused, guest_failed where the guest ended
/// badly.
Result<v1::Launch> outcome_of(rpc::Channel& frontend, const std::string& launch_id);

}  // namespace sealift::cli
