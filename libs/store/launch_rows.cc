// SPDX-License-Identifier: Apache-2.0
#include "store/launch_rows.h"

#include "store/columns.h"
#include "store/sql/query.h"

namespace sealift::store {

Result<LaunchRecord> read_launch(sql::Row& row) {
  LaunchRecord record;
  record.launch_id = row.text();
  record.tenant = row.text();
  record.idempotency_key = row.text();
  record.request_digest = row.bytes();
  record.image_id = row.text();
  record.key_model = row.text();
  record.tee = row.text();
  record.arch = row.text();
  record.zone = row.text();
  SEALIFT_TRY(record.labels, decode_labels(row.bytes()));
  record.cpus = row.integer();
  record.memory_mib = row.integer();
  record.created_at_ms = row.integer();
  record.state = row.text();
  record.attempt = row.integer();
  record.host_id = row.text();
  SEALIFT_TRY(record.excluded_hosts, decode_texts(row.bytes()));
  record.document = row.bytes();
  record.lease_owner = row.text();
  record.lease_until_ms = row.integer();
  record.due_at_ms = row.integer();
  record.started_at_ms = row.integer();
  record.ended_at_ms = row.integer();
  record.exit_status = row.integer();
  record.refusal_code = row.text();
  record.refusal_field = row.text();
  record.refusal_message = row.text();
  record.refusal_expected = row.text();
  record.refusal_found = row.text();
  record.version = row.integer();
  return record;
}

Result<LaunchEvent> read_event(sql::Row& row) {
  LaunchEvent event;
  event.launch_id = row.text();
  event.seq = row.integer();
  event.time_ms = row.integer();
  event.step = row.text();
  event.name = row.text();
  event.actor = row.text();
  event.verdict = row.text();
  event.code = row.text();
  event.field = row.text();
  event.message = row.text();
  event.expected = row.text();
  event.found = row.text();
  event.host_id = row.text();
  return event;
}

namespace {

void add_changeable(sql::Args& args, const LaunchRecord& record) {
  for (auto& value :
       sql::Args{record.state, record.attempt, record.host_id, encode_texts(record.excluded_hosts),
                 record.document, record.lease_owner, record.lease_until_ms, record.due_at_ms,
                 record.started_at_ms, record.ended_at_ms, record.exit_status, record.refusal_code,
                 record.refusal_field, record.refusal_message, record.refusal_expected, record.refusal_found})
    args.push_back(std::move(value));
}

}  // namespace

sql::Args launch_columns(const LaunchRecord& record) {
  sql::Args args{record.launch_id,
                 record.tenant,
                 record.idempotency_key,
                 record.request_digest,
                 record.image_id,
                 record.key_model,
                 record.tee,
                 record.arch,
                 record.zone,
                 encode_labels(record.labels),
                 record.cpus,
                 record.memory_mib,
                 record.created_at_ms};
  add_changeable(args, record);
  return args;
}

sql::Args changed_columns(const LaunchRecord& record, std::int64_t expected_version) {
  sql::Args args{record.launch_id, expected_version};
  add_changeable(args, record);
  return args;
}

Status add_events(sql::Transaction& transaction, const std::string& launch_id, std::int64_t first_seq,
                  const std::vector<LaunchEvent>& events) {
  for (const auto& event : events) {
    SEALIFT_CHECK(transaction.run(
        "INSERT INTO launch_events(launch_id, seq, time_ms, step, name, actor, verdict, "
        "code, field, message, expected, found, host_id) "
        "VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        {launch_id, first_seq++, event.time_ms, event.step, event.name, event.actor, event.verdict,
         event.code, event.field, event.message, event.expected, event.found, event.host_id}));
  }
  return {};
}

Status add_commands(sql::Transaction& transaction, const std::vector<HostCommand>& commands) {
  for (const auto& command : commands) {
    SEALIFT_CHECK(transaction.run(
        "INSERT INTO commands(command_id, host_id, launch_id, kind, payload, done, result, created_at_ms) "
        "VALUES($1, $2, $3, $4, $5, 0, $6, $7) ON CONFLICT(command_id) DO NOTHING",
        {command.command_id, command.host_id, command.launch_id, command.kind, command.payload, Bytes{},
         command.created_at_ms}));
  }
  return {};
}

}  // namespace sealift::store
