// SPDX-License-Identifier: Apache-2.0
/// For tests: launches and hosts with few words.
#pragma once

#include <string>

#include "store/launches.h"

namespace sealift::store {

inline LaunchRecord new_launch(const std::string& id, const std::string& tenant = "acme") {
  LaunchRecord record;
  record.launch_id = id;
  record.tenant = tenant;
  record.idempotency_key = "key-" + id;
  record.request_digest = {1, 2, 3};
  record.image_id = "i1";
  record.key_model = "keep";
  record.tee = "measured";
  record.arch = "x86_64";
  record.zone = "z1";
  record.labels = {{"disk", "nvme"}};
  record.cpus = 2;
  record.memory_mib = 1024;
  record.created_at_ms = 1'700'000'000'000;
  record.state = "requested";
  record.due_at_ms = record.created_at_ms;
  return record;
}

inline LaunchEvent new_event(const std::string& name) {
  LaunchEvent event;
  event.time_ms = 1'700'000'000'001;
  event.step = "324";
  event.name = name;
  event.actor = "orchestrator";
  event.verdict = "done";
  return event;
}

inline HostCommand new_command(const std::string& id, const std::string& host_id,
                               const std::string& launch_id) {
  HostCommand command;
  command.command_id = id;
  command.host_id = host_id;
  command.launch_id = launch_id;
  command.kind = "evidence";
  command.payload = {9};
  command.created_at_ms = 1'700'000'000'002;
  return command;
}

inline HostRecord new_host(const std::string& id) {
  HostRecord host;
  host.host_id = id;
  host.tee = "measured";
  host.arch = "x86_64";
  host.zone = "z1";
  host.cpus = 8;
  host.memory_mib = 8192;
  host.last_seen_ms = 1'700'000'000'000;
  return host;
}

inline LaunchChange change_of(const LaunchRecord& record) {
  LaunchChange change;
  change.record = record;
  change.expected_version = record.version;
  return change;
}

}  // namespace sealift::store
