// SPDX-License-Identifier: Apache-2.0
/// The life of a launch as people and machines read it.
#pragma once

#include <string>

#include "cli/output.h"
#include "sealift/v1/launches.pb.h"

namespace sealift::cli {

/// {"launch_id", "sequence", "time_ms", "step", "event", "actor", "verdict", "refusal"?}
Json event_json(const v1::LaunchEvent& event);
/// One line of the table of a launch's life: step, what happened, who did it, seconds since `begun_ms`.
std::string event_line(const v1::LaunchEvent& event, std::int64_t begun_ms);
/// {"launch_id", "image_id", "key_model", "state", …}
Json launch_json(const v1::Launch& launch);
/// "running", "awaiting_customer"
std::string state_text(v1::Launch::State state);
bool is_over(const v1::Launch& launch);

Json refusal_json(const v1::Refusal& refusal);
/// The refusal as the error that it is.
Error as_error(const v1::Refusal& refusal);

}  // namespace sealift::cli
