// SPDX-License-Identifier: Apache-2.0
/// The inventory of a zone: which hosts there are, and what is free on them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::sql {
class Database;
}

namespace sealift::store {

using Labels = std::map<std::string, std::string>;

struct HostRecord {
  std::string host_id;
  std::string tee;
  std::string arch;
  std::string zone;
  std::int64_t cpus = 0;             ///< for guests
  std::int64_t memory_mib = 0;       ///< for guests
  std::int64_t free_cpus = 0;        ///< not reserved; below 0 where the host shrank under its guests
  std::int64_t free_memory_mib = 0;  ///< the same
  Labels labels;
  std::string firmware;    ///< what the host says: for selection, never for trust
  Bytes storage_key_name;  ///< what the host says
  bool draining = false;
  std::int64_t last_seen_ms = 0;  ///< since 1970
  std::int64_t version = 0;       ///< one more with each registration and change of `draining`
};

/// What a launch asks of a host.
struct HostQuery {
  std::string tee;
  std::string arch;
  std::string zone;  ///< "": any
  std::int64_t cpus = 0;
  std::int64_t memory_mib = 0;
  Labels labels;  ///< all must be the host's
  std::int64_t seen_since_ms = 0;
  std::vector<std::string> excluded_hosts;
};

class HostStore {
 public:
  virtual ~HostStore() = default;
  /// A new host, or new attributes of a known one: its reservations and `draining` stay, and what is free
  /// follows its new size. Free amounts, draining and version of `record` do not count. The host as it is
  /// now.
  virtual Result<HostRecord> register_host(const HostRecord& record) = 0;
  /// not_found.
  virtual Status heartbeat(const std::string& host_id, std::int64_t now_ms) = 0;
  /// A draining host gets no new reservations. not_found.
  virtual Status set_draining(const std::string& host_id, bool draining) = 0;
  /// not_found.
  virtual Result<HostRecord> get(const std::string& host_id) = 0;
  virtual Result<std::vector<HostRecord>> list(const std::string& after, int limit) = 0;
  /// Hosts on which it would fit, the best first: least free memory (so large hosts stay free for large
  /// guests), then host_id. Walks an index of the hosts of that kind from the first that has the memory, and
  /// stops at `limit`.
  virtual Result<std::vector<HostRecord>> candidates(const HostQuery& query, int limit) = 0;
};

/// On a database that was opened with the launches' schema (schemas.h); it outlives the port.
std::unique_ptr<HostStore> make_host_store(sql::Database& database);

}  // namespace sealift::store
