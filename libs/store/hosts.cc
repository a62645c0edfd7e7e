// SPDX-License-Identifier: Apache-2.0
#include "store/hosts.h"

#include <algorithm>

#include "store/columns.h"
#include "store/sql/database.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

constexpr const char* kHost = "host";
constexpr std::int64_t kWalk = 64;  // candidates looked at with one statement

Result<HostRecord> read_host(sql::Row& row) {
  HostRecord record;
  record.host_id = row.text();
  record.tee = row.text();
  record.arch = row.text();
  record.zone = row.text();
  record.cpus = row.integer();
  record.memory_mib = row.integer();
  record.free_cpus = row.integer();
  record.free_memory_mib = row.integer();
  SEALIFT_TRY(record.labels, decode_labels(row.bytes()));
  record.firmware = row.text();
  record.storage_key_name = row.bytes();
  record.draining = row.flag();
  record.last_seen_ms = row.integer();
  record.version = row.integer();
  return record;
}

bool suits(const HostRecord& host, const HostQuery& query) {
  if (std::ranges::find(query.excluded_hosts, host.host_id) != query.excluded_hosts.end()) return false;
  return std::ranges::all_of(query.labels, [&](const auto& label) {
    const auto found = host.labels.find(label.first);
    return found != host.labels.end() && found->second == label.second;
  });
}

class SqlHostStore final : public HostStore {
 public:
  explicit SqlHostStore(sql::Database& database) : database_{database} {}

  Result<HostRecord> register_host(const HostRecord& record) override {
    return sql::only(
        database_.write(
            R"(INSERT INTO hosts(host_id, tee, arch, zone, cpus, memory_mib, free_cpus, free_memory_mib, labels,
                 firmware, storage_key_name, draining, last_seen_ms, version)
               VALUES($1, $2, $3, $4, $5, $6, $5, $6, $7, $8, $9, 0, $10, 1)
               ON CONFLICT(host_id) DO UPDATE SET
                 tee = excluded.tee, arch = excluded.arch, zone = excluded.zone,
                 cpus = excluded.cpus, memory_mib = excluded.memory_mib,
                 free_cpus = hosts.free_cpus + excluded.cpus - hosts.cpus,
                 free_memory_mib = hosts.free_memory_mib + excluded.memory_mib - hosts.memory_mib,
                 labels = excluded.labels, firmware = excluded.firmware,
                 storage_key_name = excluded.storage_key_name, last_seen_ms = excluded.last_seen_ms,
                 version = hosts.version + 1
               RETURNING host_id, tee, arch, zone, cpus, memory_mib, free_cpus, free_memory_mib, labels, firmware,
                 storage_key_name, draining, last_seen_ms, version)",
            {record.host_id, record.tee, record.arch, record.zone, record.cpus, record.memory_mib,
             encode_labels(record.labels), record.firmware, record.storage_key_name, record.last_seen_ms}),
        read_host, kHost);
  }

  Status heartbeat(const std::string& host_id, std::int64_t now_ms) override {
    return touched(database_.write("UPDATE hosts SET last_seen_ms = $2 WHERE host_id = $1 RETURNING version",
                                   {host_id, now_ms}));
  }

  Status set_draining(const std::string& host_id, bool draining) override {
    return touched(database_.write(
        "UPDATE hosts SET draining = $2, version = version + 1 WHERE host_id = $1 RETURNING version",
        {host_id, std::int64_t{draining}}));
  }

  Result<HostRecord> get(const std::string& host_id) override {
    return sql::only(
        database_.read("SELECT host_id, tee, arch, zone, cpus, memory_mib, free_cpus, free_memory_mib, "
                       "labels, firmware, storage_key_name, draining, last_seen_ms, version "
                       "FROM hosts WHERE host_id = $1",
                       {host_id}),
        read_host, kHost);
  }

  Result<std::vector<HostRecord>> list(const std::string& after, int limit) override {
    return sql::all(
        database_.read("SELECT host_id, tee, arch, zone, cpus, memory_mib, free_cpus, free_memory_mib, "
                       "labels, firmware, storage_key_name, draining, last_seen_ms, version "
                       "FROM hosts WHERE host_id > $1 ORDER BY host_id LIMIT $2",
                       {after, sql::page(limit)}),
        read_host);
  }

  Result<std::vector<HostRecord>> candidates(const HostQuery& query, int limit) override {
    const auto wanted = static_cast<std::size_t>(sql::page(limit));
    std::vector<HostRecord> found;
    std::int64_t memory = query.memory_mib;
    std::string after;
    for (;;) {
      SEALIFT_TRY(auto hosts, walk(query, memory, after));
      if (!hosts.empty()) {
        memory = hosts.back().free_memory_mib;
        after = hosts.back().host_id;
      }
      const bool more = hosts.size() == static_cast<std::size_t>(kWalk);
      for (auto& host : hosts) {
        if (suits(host, query)) found.push_back(std::move(host));
        if (found.size() == wanted) return found;
      }
      if (!more) return found;
    }
  }

 private:
  static Status touched(Result<sql::Rows> rows) {
    SEALIFT_CHECK(sql::only<std::int64_t>(std::move(rows), sql::read_integer, kHost));
    return {};
  }

  /// The next hosts after that place in the order of free memory and id that have the room.
  Result<std::vector<HostRecord>> walk(const HostQuery& query, std::int64_t memory,
                                       const std::string& after) {
    sql::Args args{query.tee, query.arch, query.cpus, query.seen_since_ms, memory, after, kWalk};
    if (query.zone.empty()) {
      return sql::all(
          database_.read(
              R"(SELECT host_id, tee, arch, zone, cpus, memory_mib, free_cpus, free_memory_mib, labels,
                              firmware, storage_key_name, draining, last_seen_ms, version FROM hosts
                            WHERE tee = $1 AND arch = $2 AND draining = 0 AND free_cpus >= $3
                              AND last_seen_ms >= $4 AND (free_memory_mib, host_id) > ($5, $6)
                            ORDER BY free_memory_mib, host_id LIMIT $7)",
              args),
          read_host);
    }
    args.emplace_back(query.zone);
    return sql::all(
        database_.read(
            R"(SELECT host_id, tee, arch, zone, cpus, memory_mib, free_cpus, free_memory_mib, labels,
                            firmware, storage_key_name, draining, last_seen_ms, version FROM hosts
                          WHERE tee = $1 AND arch = $2 AND zone = $8 AND draining = 0 AND free_cpus >= $3
                            AND last_seen_ms >= $4 AND (free_memory_mib, host_id) > ($5, $6)
                          ORDER BY free_memory_mib, host_id LIMIT $7)",
            args),
        read_host);
  }

  sql::Database& database_;
};

}  // namespace

std::unique_ptr<HostStore> make_host_store(sql::Database& database) {
  return std::make_unique<SqlHostStore>(database);
}

}  // namespace sealift::store
