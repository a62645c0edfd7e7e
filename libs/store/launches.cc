// SPDX-License-Identifier: Apache-2.0
#include "store/launches.h"

#include <fmt/core.h>

#include <charconv>

#include "store/launch_rows.h"
#include "store/reservations.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

constexpr const char* kLaunch = "launch";

/// "SELECT <columns> FROM launches <rest>"
std::string select(std::string_view rest) {
  return fmt::format("SELECT {} FROM launches {}", kLaunchColumns, rest);
}

constexpr std::int64_t kStillRuns = std::numeric_limits<std::int64_t>::max();

/// Where a page of usage begins: after this end of use and launch, downwards.
struct UsagePlace {
  std::int64_t use_ended_at_ms = kStillRuns;
  std::string launch_id = "\U0010FFFF";  // after every other character
};

UsagePlace place_of(const LaunchRecord& record) {
  return {record.ended_at_ms == 0 ? kStillRuns : record.ended_at_ms, record.launch_id};
}

std::string write_place(const UsagePlace& place) {
  return fmt::format("{}.{}", place.use_ended_at_ms, place.launch_id);
}

Result<UsagePlace> read_place(const std::string& text) {
  UsagePlace place;
  const auto dot = std::min(text.find('.'), text.size());
  const auto* const end = text.data() + dot;
  const auto parsed = std::from_chars(text.data(), end, place.use_ended_at_ms);
  if (dot == text.size() || parsed.ec != std::errc{} || parsed.ptr != end)
    return fail(ErrorCode::invalid_argument, "this is not where a page of usage ended", "after");
  place.launch_id = text.substr(dot + 1);
  return place;
}

/// False where the tenant used the idempotency key before.
Result<bool> insert(sql::Transaction& transaction, const LaunchRecord& record, std::size_t events) {
  static const auto kSql = fmt::format(
      "INSERT INTO launches({}, event_count) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
      "$14, $15, "
      "$16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, 1, $30) "
      "ON CONFLICT(tenant, idempotency_key) DO NOTHING RETURNING version",
      kLaunchColumns);
  auto columns = launch_columns(record);
  columns.emplace_back(static_cast<std::int64_t>(events));
  SEALIFT_TRY(const auto rows, transaction.run(kSql, columns));
  return !rows.empty();
}

Result<CreatedLaunch> earlier(sql::Transaction& transaction, const LaunchRecord& record) {
  static const auto kSql = select("WHERE tenant = $1 AND idempotency_key = $2");
  SEALIFT_TRY(auto found, sql::only(transaction.run(kSql, {record.tenant, record.idempotency_key}),
                                    read_launch, kLaunch));
  if (found.request_digest == record.request_digest) return CreatedLaunch{std::move(found), false};
  return fail(ErrorCode::conflict, "the idempotency key was used for another request", "idempotency_key");
}

/// The tenant's row is locked from here on: two launches cannot both be the last one allowed.
Status count_active(sql::Transaction& transaction, const std::string& tenant, std::int64_t max_active) {
  SEALIFT_CHECK(
      transaction.run("INSERT INTO active_launches(tenant, active) VALUES($1, 0) "
                      "ON CONFLICT(tenant) DO NOTHING",
                      {tenant}));
  SEALIFT_TRY(const auto counted, transaction.run("UPDATE active_launches SET active = active + 1 "
                                                  "WHERE tenant = $1 AND active < $2 RETURNING active",
                                                  {tenant, max_active}));
  if (!counted.empty()) return {};
  return fail(ErrorCode::resource_exhausted,
              fmt::format("{} launches are active, and more are not allowed", max_active), "max_active");
}

/// When the launch ended, 0 where it has not; not_found.
Result<std::int64_t> end_of(sql::Transaction& transaction, const std::string& launch_id) {
  return sql::only<std::int64_t>(
      transaction.run("SELECT ended_at_ms FROM launches WHERE launch_id = $1", {launch_id}),
      sql::read_integer, kLaunch);
}

/// The launch's row with the change; how many events it has then. conflict.
Result<std::int64_t> update(sql::Transaction& transaction, const LaunchChange& change) {
  auto columns = changed_columns(change.record, change.expected_version);
  columns.emplace_back(static_cast<std::int64_t>(change.events.size()));
  SEALIFT_TRY(
      const auto events,
      sql::maybe<std::int64_t>(
          transaction.run("UPDATE launches SET (state, attempt, host_id, excluded_hosts, document, "
                          "lease_owner, lease_until_ms, due_at_ms, started_at_ms, ended_at_ms, exit_status, "
                          "refusal_code, refusal_field, refusal_message, refusal_expected, refusal_found) = "
                          "($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18), "
                          "version = version + 1, event_count = event_count + $19 "
                          "WHERE launch_id = $1 AND version = $2 RETURNING event_count",
                          columns),
          sql::read_integer));
  if (events) return *events;
  return fail(ErrorCode::conflict, "the launch was changed meanwhile", "version");
}

Status apply(sql::Transaction& transaction, const LaunchChange& change) {
  const auto& record = change.record;
  SEALIFT_TRY(const auto ended, end_of(transaction, record.launch_id));
  SEALIFT_TRY(const auto event_count, update(transaction, change));
  // The version did not change between the two statements, so `ended` is what was replaced.
  if (ended != 0 && record.ended_at_ms == 0)
    return fail(ErrorCode::internal, "a launch that ended cannot be active again", "ended_at_ms");
  if (ended == 0 && record.ended_at_ms != 0) {
    SEALIFT_CHECK(
        transaction.run("UPDATE active_launches SET active = active - 1 WHERE tenant = $1", {record.tenant}));
  }
  const auto added = static_cast<std::int64_t>(change.events.size());
  return add_events(transaction, record.launch_id, event_count - added + 1, change.events);
}

class SqlLaunchStore final : public LaunchStore {
 public:
  explicit SqlLaunchStore(sql::Database& database) : database_{database} {}

  Result<CreatedLaunch> create(const LaunchRecord& record, const std::vector<LaunchEvent>& events,
                               std::int64_t max_active) override {
    return sql::in_transaction(database_, [&](sql::Transaction& transaction) -> Result<CreatedLaunch> {
      SEALIFT_TRY(const bool added, insert(transaction, record, events.size()));
      if (!added) return earlier(transaction, record);
      SEALIFT_CHECK(count_active(transaction, record.tenant, max_active));
      SEALIFT_CHECK(add_events(transaction, record.launch_id, 1, events));
      CreatedLaunch made{record, true};
      made.record.version = 1;
      return made;
    });
  }

  Result<LaunchRecord> get(const std::string& tenant, const std::string& launch_id) override {
    static const auto kSql = select("WHERE launch_id = $2 AND tenant = $1");
    return sql::only(database_.read(kSql, {tenant, launch_id}), read_launch, kLaunch);
  }

  Result<LaunchRecord> get_any(const std::string& launch_id) override {
    static const auto kSql = select("WHERE launch_id = $1");
    return sql::only(database_.read(kSql, {launch_id}), read_launch, kLaunch);
  }

  Result<std::vector<LaunchRecord>> list(const std::string& tenant, const std::string& after,
                                         int limit) override {
    static const auto kSql = select("WHERE tenant = $1 AND launch_id > $2 ORDER BY launch_id LIMIT $3");
    return sql::all(database_.read(kSql, {tenant, after, sql::page(limit)}), read_launch);
  }

  Result<std::vector<LaunchEvent>> events(const std::string& launch_id, std::int64_t after_seq,
                                          int limit) override {
    return sql::all(
        database_.read("SELECT launch_id, seq, time_ms, step, name, actor, verdict, code, field, message, "
                       "expected, found, host_id FROM launch_events WHERE launch_id = $1 AND seq > $2 "
                       "ORDER BY seq LIMIT $3",
                       {launch_id, after_seq, sql::page(limit)}),
        read_event);
  }

  Result<std::vector<LaunchRecord>> claim(const std::string& owner, std::int64_t now_ms,
                                          std::int64_t lease_ms, int limit) override {
    // MATERIALIZED: PostgreSQL may run a plain subquery several times, and lock other rows each time.
    static const auto kSql = fmt::format(
        R"(WITH due AS MATERIALIZED (
             SELECT launch_id AS due_id FROM launches WHERE claimable_at_ms <= $2
             ORDER BY claimable_at_ms, launch_id LIMIT $4 @SKIP_LOCKED)
           UPDATE launches SET lease_owner = $1, lease_until_ms = $3, version = version + 1
           FROM due WHERE launch_id = due_id RETURNING {})",
        kLaunchColumns);
    // A lease that is lost with the power was its owner's, who is gone as well.
    return sql::in_transaction(
        database_,
        [&](sql::Transaction& transaction) {
          return sql::all(transaction.run(kSql, {owner, now_ms, now_ms + lease_ms, sql::page(limit)}),
                          read_launch);
        },
        &sql::Database::transact_soon);
  }

  Status renew(const std::string& launch_id, const std::string& owner, std::int64_t now_ms,
               std::int64_t lease_ms) override {
    SEALIFT_TRY(const auto renewed,
                database_.write("UPDATE launches SET lease_until_ms = $3 "
                                "WHERE launch_id = $1 AND lease_owner = $2 RETURNING version",
                                {launch_id, owner, now_ms + lease_ms}));
    if (!renewed.empty()) return {};
    return fail(ErrorCode::conflict, "the launch was given to another worker", "lease_owner");
  }

  Result<std::int64_t> commit(const LaunchChange& change) override {
    const auto work = [&](sql::Transaction& transaction) -> Result<std::int64_t> {
      SEALIFT_CHECK(apply(transaction, change));
      SEALIFT_CHECK(change_reservation(transaction, change.record.launch_id, change.release, change.reserve));
      SEALIFT_CHECK(add_commands(transaction, change.commands));
      return change.expected_version + 1;
    };
    return sql::in_transaction(database_, work,
                               change.soon ? &sql::Database::transact_soon : &sql::Database::transact);
  }

  Result<UsagePage> usage(const std::string& tenant, std::int64_t from_ms, std::int64_t to_ms,
                          const std::string& after, int limit) override {
    static const auto kSql = select(
        "WHERE tenant = $1 AND started_at_ms > 0 AND use_ended_at_ms > $2 "
        "AND (use_ended_at_ms, launch_id) < ($3, $4) ORDER BY use_ended_at_ms DESC, launch_id DESC LIMIT $5");
    SEALIFT_TRY(const auto place, after.empty() ? Result<UsagePlace>{UsagePlace{}} : read_place(after));
    SEALIFT_TRY(auto launches, sql::all(database_.read(kSql, {tenant, from_ms, place.use_ended_at_ms,
                                                              place.launch_id, sql::page(limit)}),
                                        read_launch));
    UsagePage page;
    if (static_cast<std::int64_t>(launches.size()) == sql::page(limit))
      page.next = write_place(place_of(launches.back()));
    // What started too late is passed over here and not by the statement: so it reads no more rows than a
    // page has.
    for (auto& launch : launches) {
      if (launch.started_at_ms < to_ms) page.launches.push_back(std::move(launch));
    }
    return page;
  }

  Result<std::vector<LaunchRecord>> active(const std::string& host_id, const std::string& after,
                                           int limit) override {
    static const auto kSql =
        select("WHERE host_id = $1 AND ended_at_ms = 0 AND launch_id > $2 ORDER BY launch_id LIMIT $3");
    return sql::all(database_.read(kSql, {host_id, after, sql::page(limit)}), read_launch);
  }

 private:
  sql::Database& database_;
};

}  // namespace

std::unique_ptr<LaunchStore> make_launch_store(sql::Database& database) {
  return std::make_unique<SqlLaunchStore>(database);
}

}  // namespace sealift::store
