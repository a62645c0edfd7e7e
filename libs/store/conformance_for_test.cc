// SPDX-License-Identifier: Apache-2.0
#include "store/conformance_for_test.h"

#include <sqlite3.h>

#include <barrier>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "store/sql/postgres_for_test.h"

namespace sealift::store {
namespace {

/// One server for all tests of the program.
class Server : public ::testing::Environment {
 public:
  void TearDown() override { server_.reset(); }
  static Result<std::string> new_database() {
    if (!server_) {
      auto started = sql::PostgresForTest::start();
      if (!started) return tl::unexpected(started.error());
      server_ = std::move(*started);
    }
    return server_->new_database();
  }

 private:
  static inline std::unique_ptr<sql::PostgresForTest> server_;
};

::testing::Environment* const kServer = ::testing::AddGlobalTestEnvironment(new Server);

/// The statements that any SQLite connection of this program ran.
class Statements {
 public:
  static void record_from_now_on() {
    static const int installed =
        sqlite3_auto_extension(reinterpret_cast<void (*)()>(&Statements::on_new_connection));
    ASSERT_EQ(installed, SQLITE_OK);
    const std::scoped_lock lock{mutex_};
    texts_.clear();
  }
  static std::set<std::string> recorded() {
    const std::scoped_lock lock{mutex_};
    return texts_;
  }

 private:
  static int on_new_connection(sqlite3* handle, const char**, const void*) {
    return sqlite3_trace_v2(handle, SQLITE_TRACE_STMT, &Statements::on_statement, nullptr);
  }
  static int on_statement(unsigned, void*, void* statement, void*) {
    const std::scoped_lock lock{mutex_};
    texts_.emplace(sqlite3_sql(static_cast<sqlite3_stmt*>(statement)));
    return 0;
  }
  static inline std::mutex mutex_;
  static inline std::set<std::string> texts_;
};

bool has_a_plan(const std::string& statement) {
  for (const auto* verb : {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}) {
    if (statement.starts_with(verb)) return true;
  }
  return false;
}

bool grows_with_the_table(const std::string& step) {
  // What a claim found, and what is counted: both have a limit of their own.
  if (step == "SCAN due" || step == "SCAN counted" || step == "SCAN CONSTANT ROW") return false;
  return step.find("SCAN") != std::string::npos || step.find("TEMP B-TREE") != std::string::npos;
}

void expect_bounded_plan(sqlite3* handle, const std::string& statement) {
  sqlite3_stmt* plan = nullptr;
  const auto explain = "EXPLAIN QUERY PLAN " + statement;
  ASSERT_EQ(sqlite3_prepare_v2(handle, explain.c_str(), -1, &plan, nullptr), SQLITE_OK) << explain;
  while (sqlite3_step(plan) == SQLITE_ROW) {
    const std::string step = reinterpret_cast<const char*>(sqlite3_column_text(plan, 3));
    EXPECT_FALSE(grows_with_the_table(step)) << step << "\nin: " << statement;
  }
  sqlite3_finalize(plan);
}

void expect_bounded_plans(const std::string& file) {
  const auto statements = Statements::recorded();
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
  for (const auto& statement : statements) {
    if (has_a_plan(statement)) expect_bounded_plan(handle, statement);
  }
  sqlite3_close(handle);
}

}  // namespace

void Conformance::SetUp() {
  if (GetParam() == Backend::postgres) {
    auto made = Server::new_database();
    ASSERT_THAT(made, Succeeds());
    url_ = *made;
    return;
  }
  auto made = TemporaryDirectory::create("sealift-store");
  ASSERT_THAT(made, Succeeds());
  directory_ = std::make_unique<TemporaryDirectory>(std::move(*made));
  url_ = "sqlite:" + (directory_->path() / "state.db").string();
  Statements::record_from_now_on();
}

void Conformance::TearDown() {
  if (directory_) expect_bounded_plans(directory_->path() / "state.db");
}

std::unique_ptr<sql::Database> Conformance::open(Schema schema) const {
  auto database = store::open(url_, schema);
  EXPECT_THAT(database, Succeeds());
  return database ? std::move(*database) : nullptr;
}

std::string name_of_backend(const ::testing::TestParamInfo<Backend>& info) {
  return info.param == Backend::sqlite ? "SQLite" : "PostgreSQL";
}

void in_threads(int count, const std::function<void(int)>& work) {
  std::barrier start{count};
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      work(i);
    });
  }
  for (auto& thread : threads) thread.join();
}

Bytes bytes(std::string_view text) { return to_bytes(as_bytes(text)); }

}  // namespace sealift::store
