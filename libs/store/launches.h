// SPDX-License-Identifier: Apache-2.0
/// Launches: durable state machines that any replica of the orchestrator may continue.
///
/// A launch is due at `due_at_ms`. Whoever claims it has it alone until the lease ends; claiming gives a new
/// version, so that a worker whose lease ended cannot commit any more.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "store/commands.h"
#include "store/hosts.h"

namespace sealift::store {

/// `due_at_ms` of a launch for which there is nothing to do.
inline constexpr std::int64_t kNeverDue = std::numeric_limits<std::int64_t>::max();

/// All times in milliseconds since 1970.
struct LaunchRecord {
  std::string launch_id;
  std::string tenant;
  std::string idempotency_key;
  Bytes request_digest;
  std::string image_id;
  std::string key_model;
  std::string tee;
  std::string arch;
  std::string zone;
  Labels labels;
  std::int64_t cpus = 0;
  std::int64_t memory_mib = 0;
  std::int64_t created_at_ms = 0;

  // What commit() may change: from here on.
  std::string state;
  std::int64_t attempt = 0;
  std::string host_id;  ///< "" while there is no target
  std::vector<std::string> excluded_hosts;
  Bytes document;  ///< the orchestrator's own
  std::string lease_owner;
  std::int64_t lease_until_ms = 0;
  std::int64_t due_at_ms = 0;
  std::int64_t started_at_ms = 0;  ///< 0: not yet
  std::int64_t ended_at_ms = 0;    ///< 0: not yet, the launch is active. Once set it stays set.
  std::int64_t exit_status = 0;
  std::string refusal_code;
  std::string refusal_field;
  std::string refusal_message;
  std::string refusal_expected;
  std::string refusal_found;
  std::int64_t version = 0;  ///< 1 when created, one more with each change
};

struct LaunchEvent {
  std::string launch_id;
  std::int64_t seq = 0;  ///< from 1 without a gap; given by the store
  std::int64_t time_ms = 0;
  std::string step;  ///< the design's: "324"
  std::string name;  ///< "target_selected"
  std::string actor;
  std::string verdict;
  std::string code;  ///< "" where nothing was refused
  std::string field;
  std::string message;
  std::string expected;
  std::string found;
  std::string host_id;
};

/// Room on a host. A launch has one at most.
struct Reservation {
  std::string host_id;
  std::int64_t cpus = 0;
  std::int64_t memory_mib = 0;
};

struct LaunchChange {
  LaunchRecord record;
  std::int64_t expected_version = 0;
  std::vector<LaunchEvent> events;    ///< launch_id and seq do not count
  std::vector<HostCommand> commands;  ///< one whose id is there already changes nothing
  bool release = false;               ///< before `reserve`; harmless where nothing is reserved
  std::optional<Reservation> reserve = std::nullopt;  ///< harmless where this host is reserved already
  bool soon = false;  ///< on disk a moment later (sql/database.h): for what is done again where it is lost
};

struct CreatedLaunch {
  LaunchRecord record;
  bool created = false;  ///< false: it was there before
};

struct UsagePage {
  std::vector<LaunchRecord> launches;  ///< may be fewer than asked for, also none, on any page
  std::string next;                    ///< `after` of the next page; "" where this was the last
};

class LaunchStore {
 public:
  virtual ~LaunchStore() = default;
  /// A launch with its first events. One with the same tenant, idempotency key and request digest is given
  /// back as it stands; with another digest: conflict. resource_exhausted where the tenant has `max_active`
  /// active ones.
  virtual Result<CreatedLaunch> create(const LaunchRecord& record, const std::vector<LaunchEvent>& events,
                                       std::int64_t max_active) = 0;
  /// not_found; so is another tenant's.
  virtual Result<LaunchRecord> get(const std::string& tenant, const std::string& launch_id) = 0;
  /// For the orchestrator's own work: of any tenant. not_found.
  virtual Result<LaunchRecord> get_any(const std::string& launch_id) = 0;
  virtual Result<std::vector<LaunchRecord>> list(const std::string& tenant, const std::string& after,
                                                 int limit) = 0;
  virtual Result<std::vector<LaunchEvent>> events(const std::string& launch_id, std::int64_t after_seq,
                                                  int limit) = 0;
  /// Leases up to `limit` launches that are due and that nobody holds, the longest due first.
  virtual Result<std::vector<LaunchRecord>> claim(const std::string& owner, std::int64_t now_ms,
                                                  std::int64_t lease_ms, int limit) = 0;
  /// Longer, from now on; the version stays. conflict where it is no longer `owner`'s.
  virtual Status renew(const std::string& launch_id, const std::string& owner, std::int64_t now_ms,
                       std::int64_t lease_ms) = 0;
  /// All of it or nothing: the new version. conflict (another version is stored, or the launch has a
  /// reservation elsewhere), resource_exhausted (the host has no such room, drains or is unknown), not_found.
  virtual Result<std::int64_t> commit(const LaunchChange& change) = 0;
  /// Launches of the tenant that ran at some time from `from_ms` until before `to_ms`; the latest ended
  /// first. One that ends between two pages may come twice.
  virtual Result<UsagePage> usage(const std::string& tenant, std::int64_t from_ms, std::int64_t to_ms,
                                  const std::string& after, int limit) = 0;
  /// Launches with this target that have not ended.
  virtual Result<std::vector<LaunchRecord>> active(const std::string& host_id, const std::string& after,
                                                   int limit) = 0;
};

/// On a database that was opened with the launches' schema (schemas.h); it outlives the port.
std::unique_ptr<LaunchStore> make_launch_store(sql::Database& database);

}  // namespace sealift::store
