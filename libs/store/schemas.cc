// SPDX-License-Identifier: Apache-2.0
#include "store/schemas.h"

#include "store/sql/migrate.h"

namespace sealift::store {
namespace {

const sql::Schema& images() {
  static const sql::Schema schema{
      "images",
      {{
           // touched_at is 0 for one that is being deleted.
           R"(CREATE TABLE images(
               tenant @TEXT NOT NULL, image_id @TEXT NOT NULL, state @INT NOT NULL, tee @TEXT NOT NULL,
               arch @TEXT NOT NULL, memory_mib @INT NOT NULL, document @BYTES NOT NULL, created_at @INT NOT NULL,
               touched_at @INT NOT NULL, PRIMARY KEY(tenant, image_id)) @STRICT)",
           R"(CREATE INDEX images_not_ready ON images(touched_at, tenant, image_id)
               WHERE state <> 1)",
           R"(CREATE TABLE image_files(
               tenant @TEXT NOT NULL, image_id @TEXT NOT NULL, position @INT NOT NULL, name @TEXT NOT NULL,
               digest @BYTES NOT NULL, size @INT NOT NULL, complete @INT NOT NULL,
               PRIMARY KEY(tenant, image_id, position)) @STRICT)",
           R"(CREATE INDEX image_files_complete ON image_files(tenant, digest)
               WHERE complete = 1)",
           "CREATE TABLE tenant_images(tenant @TEXT PRIMARY KEY, images @INT NOT NULL, "
           "bytes @INT NOT NULL) @STRICT",
           // removal_until is 0 for one that nobody removes just now.
           "CREATE TABLE objects(digest @BYTES PRIMARY KEY, users @INT NOT NULL, "
           "removal_until @INT NOT NULL) @STRICT",
           R"(CREATE INDEX objects_unused ON objects(removal_until)
               WHERE users = 0 OR removal_until > 0)",
           R"(CREATE TABLE uploads(
               tenant @TEXT NOT NULL, upload_id @TEXT NOT NULL, image_id @TEXT NOT NULL, file @TEXT NOT NULL,
               digest @BYTES NOT NULL, size @INT NOT NULL, received @INT NOT NULL, store_state @BYTES NOT NULL,
               updated_at @INT NOT NULL, version @INT NOT NULL, PRIMARY KEY(tenant, upload_id)) @STRICT)",
           "CREATE INDEX uploads_of_image ON uploads(tenant, image_id, upload_id)",
           "CREATE INDEX uploads_by_age ON uploads(updated_at, tenant, upload_id)",
           R"(CREATE TABLE quotes(
               tenant @TEXT NOT NULL, quote_id @TEXT NOT NULL, image_id @TEXT NOT NULL, cpus @INT NOT NULL,
               memory_mib @INT NOT NULL, price_micros_per_second @INT NOT NULL, currency @TEXT NOT NULL,
               created_at @INT NOT NULL, expires_at @INT NOT NULL, consent @TEXT NOT NULL,
               launch_id @TEXT NOT NULL, PRIMARY KEY(tenant, quote_id)) @STRICT)",
           "CREATE INDEX quotes_unused ON quotes(expires_at) WHERE consent = ''",
       },
       {
           R"(CREATE TABLE sealed_heads(
               tenant @TEXT NOT NULL, image_id @TEXT NOT NULL, host_set @TEXT NOT NULL, document @BYTES NOT NULL,
               PRIMARY KEY(tenant, image_id, host_set)) @STRICT)",
       }}};
  return schema;
}

const sql::Schema& launches() {
  static const sql::Schema schema{
      "launches",
      {{
           R"(CREATE TABLE hosts(
               host_id @TEXT PRIMARY KEY, tee @TEXT NOT NULL, arch @TEXT NOT NULL, zone @TEXT NOT NULL,
               cpus @INT NOT NULL, memory_mib @INT NOT NULL, free_cpus @INT NOT NULL, free_memory_mib @INT NOT NULL,
               labels @BYTES NOT NULL, firmware @TEXT NOT NULL, storage_key_name @BYTES NOT NULL,
               draining @INT NOT NULL, last_seen_ms @INT NOT NULL, version @INT NOT NULL) @STRICT)",
           R"(CREATE INDEX hosts_by_fit ON hosts(tee, arch, free_memory_mib, host_id) WHERE draining = 0)",
           R"(CREATE INDEX hosts_by_fit_in_zone ON hosts(tee, arch, zone, free_memory_mib, host_id)
             WHERE draining = 0)",
           R"(CREATE TABLE reservations(
               launch_id @TEXT PRIMARY KEY, host_id @TEXT NOT NULL, cpus @INT NOT NULL, memory_mib @INT NOT NULL)
             @STRICT)",
           // claimable_at_ms: due and not leased. use_ended_at_ms: what still runs sorts after what ended.
           R"(CREATE TABLE launches(
               launch_id @TEXT PRIMARY KEY, tenant @TEXT NOT NULL, idempotency_key @TEXT NOT NULL,
               request_digest @BYTES NOT NULL, image_id @TEXT NOT NULL, key_model @TEXT NOT NULL, tee @TEXT NOT NULL,
               arch @TEXT NOT NULL, zone @TEXT NOT NULL, labels @BYTES NOT NULL, cpus @INT NOT NULL,
               memory_mib @INT NOT NULL, created_at_ms @INT NOT NULL, state @TEXT NOT NULL, attempt @INT NOT NULL,
               host_id @TEXT NOT NULL, excluded_hosts @BYTES NOT NULL, document @BYTES NOT NULL,
               lease_owner @TEXT NOT NULL, lease_until_ms @INT NOT NULL, due_at_ms @INT NOT NULL,
               started_at_ms @INT NOT NULL, ended_at_ms @INT NOT NULL, exit_status @INT NOT NULL,
               refusal_code @TEXT NOT NULL, refusal_field @TEXT NOT NULL, refusal_message @TEXT NOT NULL,
               version @INT NOT NULL, event_count @INT NOT NULL,
               claimable_at_ms @INT NOT NULL GENERATED ALWAYS AS
                 (CASE WHEN lease_until_ms > due_at_ms THEN lease_until_ms ELSE due_at_ms END) STORED,
               use_ended_at_ms @INT NOT NULL GENERATED ALWAYS AS
                 (CASE WHEN ended_at_ms = 0 THEN 9223372036854775807 ELSE ended_at_ms END) STORED) @STRICT)",
           "CREATE UNIQUE INDEX launches_by_key ON launches(tenant, idempotency_key)",
           "CREATE INDEX launches_of_tenant ON launches(tenant, launch_id)",
           "CREATE INDEX launches_by_due ON launches(claimable_at_ms, launch_id)",
           "CREATE INDEX launches_of_host ON launches(host_id, launch_id) WHERE ended_at_ms = 0",
           "CREATE INDEX launches_by_use ON launches(tenant, use_ended_at_ms, launch_id) WHERE started_at_ms "
           "> 0",
           "CREATE TABLE active_launches(tenant @TEXT PRIMARY KEY, active @INT NOT NULL) @STRICT",
           R"(CREATE TABLE launch_events(
               launch_id @TEXT NOT NULL, seq @INT NOT NULL, time_ms @INT NOT NULL, step @TEXT NOT NULL,
               name @TEXT NOT NULL, actor @TEXT NOT NULL, verdict @TEXT NOT NULL, code @TEXT NOT NULL,
               field @TEXT NOT NULL, message @TEXT NOT NULL, host_id @TEXT NOT NULL, PRIMARY KEY(launch_id, seq))
             @STRICT)",
           R"(CREATE TABLE commands(
               command_id @TEXT PRIMARY KEY, host_id @TEXT NOT NULL, launch_id @TEXT NOT NULL, kind @TEXT NOT NULL,
               payload @BYTES NOT NULL, done @INT NOT NULL, result @BYTES NOT NULL, created_at_ms @INT NOT NULL)
             @STRICT)",
           "CREATE INDEX commands_pending ON commands(host_id, created_at_ms, command_id) WHERE done = 0",
           "CREATE INDEX commands_of_launch ON commands(launch_id)",
       },
       {
           "ALTER TABLE launches ADD COLUMN refusal_expected @TEXT NOT NULL DEFAULT ''",
           "ALTER TABLE launches ADD COLUMN refusal_found @TEXT NOT NULL DEFAULT ''",
           "ALTER TABLE launch_events ADD COLUMN expected @TEXT NOT NULL DEFAULT ''",
           "ALTER TABLE launch_events ADD COLUMN found @TEXT NOT NULL DEFAULT ''",
       }}};
  return schema;
}

const sql::Schema& keys() {
  static const sql::Schema schema{
      "keys",
      {{
           R"(CREATE TABLE seeds(
               tenant @TEXT NOT NULL, image_id @TEXT NOT NULL, wrapped_seed @BYTES NOT NULL, metadata @BYTES NOT NULL,
               created_at @INT NOT NULL, version @INT NOT NULL, PRIMARY KEY(tenant, image_id)) @STRICT)",
           R"(CREATE TABLE authorizations(
               tenant @TEXT NOT NULL, image_id @TEXT NOT NULL, storage_key_name @BYTES NOT NULL,
               policy @BYTES NOT NULL, sealed_data @BYTES NOT NULL, created_at @INT NOT NULL,
               PRIMARY KEY(tenant, image_id, storage_key_name, policy)) @STRICT)",
           "CREATE INDEX authorizations_of_host ON authorizations(tenant, storage_key_name)",
           R"(CREATE TABLE enrolments(
               tenant @TEXT NOT NULL, storage_key_name @BYTES NOT NULL, hardware_key_hash @BYTES NOT NULL,
               document @BYTES NOT NULL, enrolled_at @INT NOT NULL, PRIMARY KEY(tenant, storage_key_name)) @STRICT)",
           "CREATE INDEX enrolments_of_hardware ON enrolments(tenant, hardware_key_hash)",
           R"(CREATE TABLE challenges(
               tenant @TEXT NOT NULL, challenge_id @TEXT NOT NULL, document @BYTES NOT NULL, expires_at @INT NOT NULL,
               PRIMARY KEY(tenant, challenge_id)) @STRICT)",
           "CREATE INDEX challenges_by_age ON challenges(expires_at)",
           "CREATE TABLE root_key(one @INT PRIMARY KEY CHECK(one = 1), wrapped @BYTES NOT NULL) @STRICT",
       },
       {
           "CREATE TABLE audit_log(one @INT PRIMARY KEY CHECK(one = 1), wrapped_key @BYTES NOT NULL, "
           "size @INT NOT NULL, document @BYTES NOT NULL) @STRICT",
           "CREATE TABLE audit_entries(position @INT PRIMARY KEY, tenant @TEXT NOT NULL, entry @BYTES NOT "
           "NULL, "
           "hashes @BYTES NOT NULL) @STRICT",
       },
       {
           "CREATE TABLE revocations(tenant @TEXT NOT NULL, kind @INT NOT NULL, subject @BYTES NOT NULL, "
           "document @BYTES NOT NULL, revoked_at @INT NOT NULL, PRIMARY KEY(tenant, kind, subject)) @STRICT",
       },
       {
           "CREATE TABLE host_sets(tenant @TEXT NOT NULL, name @TEXT NOT NULL, document @BYTES NOT NULL, "
           "version @INT NOT NULL, PRIMARY KEY(tenant, name)) @STRICT",
           // What was found of an enrolled host's platform, under what a policy says of platforms.
           "CREATE TABLE verdicts(tenant @TEXT NOT NULL, storage_key_name @BYTES NOT NULL, trust @BYTES NOT "
           "NULL, document @BYTES NOT NULL, PRIMARY KEY(tenant, storage_key_name, trust)) @STRICT",
       }}};
  return schema;
}

const sql::Schema& definition(Schema schema) {
  switch (schema) {
    case Schema::images:
      return images();
    case Schema::launches:
      return launches();
    default:
      return keys();
  }
}

}  // namespace

Result<std::unique_ptr<sql::Database>> open(const std::string& url, Schema schema) {
  SEALIFT_TRY(auto database, sql::Database::open(url));
  SEALIFT_CHECK(sql::migrate(*database, definition(schema)));
  return database;
}

}  // namespace sealift::store
