// SPDX-License-Identifier: Apache-2.0
#include "store/sql/postgres_database.h"

#include <chrono>
#include <random>
#include <thread>

namespace sealift::sql {
namespace {

constexpr std::size_t kConnections = 8;
constexpr int kAttempts = 10;

/// Those that met once shall not meet again.
void pause_before(int attempt) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<int> some{1, 10 * attempt};
  std::this_thread::sleep_for(std::chrono::milliseconds{some(random)});
}

/// Runs `once` until it succeeds, or fails for another reason than one that may pass by itself.
template <typename F>
auto with_retries(PostgresConnection& connection, F once) {
  auto outcome = once();
  for (int attempt = 1; attempt < kAttempts && !outcome && connection.worth_retrying(); ++attempt) {
    pause_before(attempt);
    outcome = once();
  }
  return outcome;
}

Status transact_once(PostgresConnection& connection, const char* begin, const Work& work) {
  SEALIFT_CHECK(connection.command(begin));
  Transaction transaction{connection};
  auto outcome = transaction.outcome(work(transaction));
  if (outcome) return connection.command("COMMIT");
  connection.roll_back();
  return outcome;
}

}  // namespace

PostgresDatabase::PostgresDatabase(const std::string& conninfo)
    : connections_{kConnections, [conninfo] { return PostgresConnection::open(conninfo); }} {}

Result<std::unique_ptr<Database>> PostgresDatabase::open(const std::string& conninfo) {
  std::unique_ptr<PostgresDatabase> made{new PostgresDatabase{conninfo}};
  SEALIFT_CHECK(made->connections_.borrow());  // a wrong URL is told of now
  return std::unique_ptr<Database>{std::move(made)};
}

Status PostgresDatabase::transact(const Work& work) {
  SEALIFT_TRY(const auto connection, connections_.borrow());
  return with_retries(*connection, [&] { return transact_once(*connection, "BEGIN", work); });
}

Status PostgresDatabase::transact_soon(const Work& work) {
  constexpr const char* kBegin = "BEGIN; SET LOCAL synchronous_commit TO OFF";
  SEALIFT_TRY(const auto connection, connections_.borrow());
  return with_retries(*connection, [&] { return transact_once(*connection, kBegin, work); });
}

Result<Rows> PostgresDatabase::write(std::string_view sql, const Args& args) {
  SEALIFT_TRY(const auto connection, connections_.borrow());
  return with_retries(*connection, [&] { return connection->run(sql, args); });
}

Result<Rows> PostgresDatabase::read(std::string_view sql, const Args& args) {
  SEALIFT_TRY(const auto connection, connections_.borrow());
  return connection->run(sql, args);
}

}  // namespace sealift::sql
