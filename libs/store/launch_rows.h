// SPDX-License-Identifier: Apache-2.0
/// The columns of launches and their events, in one order for reading and writing.
#pragma once

#include <string>

#include "store/launches.h"
#include "store/sql/database.h"

namespace sealift::store {

/// All that read_launch() takes.
inline constexpr std::string_view kLaunchColumns =
    "launch_id, tenant, idempotency_key, request_digest, image_id, key_model, tee, arch, zone, labels, cpus, "
    "memory_mib, created_at_ms, state, attempt, host_id, excluded_hosts, document, lease_owner, "
    "lease_until_ms, "
    "due_at_ms, started_at_ms, ended_at_ms, exit_status, refusal_code, refusal_field, refusal_message, "
    "refusal_expected, refusal_found, version";

Result<LaunchRecord> read_launch(sql::Row& row);
Result<LaunchEvent> read_event(sql::Row& row);

/// $1 to $29: all columns but the version.
sql::Args launch_columns(const LaunchRecord& record);
/// $1, $2: id and expected version; $3 to $18: the columns that a change may change, from `state` on.
sql::Args changed_columns(const LaunchRecord& record, std::int64_t expected_version);

/// Numbered from `first_seq`.
Status add_events(sql::Transaction& transaction, const std::string& launch_id, std::int64_t first_seq,
                  const std::vector<LaunchEvent>& events);
Status add_commands(sql::Transaction& transaction, const std::vector<HostCommand>& commands);

}  // namespace sealift::store
