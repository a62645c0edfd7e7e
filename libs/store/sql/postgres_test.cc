// SPDX-License-Identifier: Apache-2.0
/// What only PostgreSQL has: a server that may be away, and transactions that get in each other's way.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <thread>

#include "base/matchers.h"
#include "store/sql/database.h"
#include "store/sql/postgres_for_test.h"
#include "store/sql/query.h"

namespace sealift::sql {
namespace {

class Postgres : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = PostgresForTest::start();
    ASSERT_THAT(started, Succeeds());
    server_ = std::move(*started);
  }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    const auto made = server_->new_database();
    ASSERT_THAT(made, Succeeds());
    url_ = *made;
    database_ = open(url_);
    ASSERT_THAT(database_->write("CREATE TABLE things(id @TEXT PRIMARY KEY, number @INT NOT NULL)", {}),
                Succeeds());
    for (const auto* id : {"a", "b"}) ASSERT_THAT(add(id), Succeeds());
  }
  static std::unique_ptr<Database> open(const std::string& url) {
    auto opened = Database::open(url);
    EXPECT_THAT(opened, Succeeds());
    return opened ? std::move(*opened) : nullptr;
  }
  std::string with_setting(const std::string& setting) const {
    auto url = url_;
    return url.insert(url.find("-c search_path"), "-c " + setting + " ");
  }
  Status add(const std::string& id) {
    return done(database_->write("INSERT INTO things(id, number) VALUES($1, 0)", {id}));
  }
  static Status increment(Transaction& transaction, const std::string& id) {
    return done(transaction.run("UPDATE things SET number = number + 1 WHERE id = $1", {id}));
  }
  std::int64_t number(const std::string& id) {
    const auto found = only<std::int64_t>(database_->read("SELECT number FROM things WHERE id = $1", {id}),
                                          read_integer, "thing");
    EXPECT_THAT(found, Succeeds());
    return found.value_or(-1);
  }

  static inline std::unique_ptr<PostgresForTest> server_;
  std::string url_;
  std::unique_ptr<Database> database_;
};

TEST_F(Postgres, ThatIsRestartedIsUnavailableMeanwhileAndThenWorks) {
  // All connections of the pool are in use before.
  std::barrier together{8};
  std::vector<std::thread> users;
  for (int i = 0; i < 8; ++i) {
    users.emplace_back([&] {
      EXPECT_THAT(database_->transact([&](Transaction& transaction) -> Status {
        together.arrive_and_wait();
        return increment(transaction, "a");
      }),
                  Succeeds());
    });
  }
  for (auto& user : users) user.join();

  ASSERT_THAT(server_->stop(), Succeeds());
  EXPECT_THAT(add("c"), FailsWith(ErrorCode::unavailable));
  EXPECT_THAT(database_->read("SELECT id FROM things WHERE id = 'a'", {}), FailsWith(ErrorCode::unavailable));
  EXPECT_THAT(Database::open(url_), FailsWith(ErrorCode::unavailable));

  ASSERT_THAT(server_->start_again(), Succeeds());
  for (int i = 0; i < 16; ++i) EXPECT_THAT(add("after" + std::to_string(i)), Succeeds());
  EXPECT_EQ(number("a"), 8);
}

TEST_F(Postgres, WhoseConnectionIsLostWithinATransactionKeepsNothingOfIt) {
  const auto status = database_->transact([&](Transaction& transaction) -> Status {
    SEALIFT_CHECK(increment(transaction, "a"));
    SEALIFT_TRY(auto rows, transaction.run("SELECT pg_backend_pid()"));
    EXPECT_THAT(database_->read("SELECT pg_terminate_backend($1::int)::int", {rows.front().integer()}),
                Succeeds());
    return increment(transaction, "b");
  });
  EXPECT_THAT(status, FailsWith(ErrorCode::unavailable));
  EXPECT_EQ(number("a"), 0);
  EXPECT_EQ(number("b"), 0);
}

TEST_F(Postgres, RunsATransactionAgainThatADeadlockEnded) {
  std::atomic<int> runs = 0;
  std::barrier both_hold_one{2};
  const auto lock_both = [&](const std::string& first, const std::string& second) {
    bool again = false;
    EXPECT_THAT(database_->transact([&](Transaction& transaction) -> Status {
      ++runs;
      SEALIFT_CHECK(increment(transaction, first));
      if (!std::exchange(again, true)) both_hold_one.arrive_and_wait();
      return increment(transaction, second);
    }),
                Succeeds());
  };
  std::thread other{[&] { lock_both("b", "a"); }};
  lock_both("a", "b");
  other.join();
  EXPECT_GE(runs, 3);
  EXPECT_EQ(number("a"), 2);
  EXPECT_EQ(number("b"), 2);
}

TEST_F(Postgres, ServesMoreCallersThanItHasConnections) {
  std::vector<std::thread> callers;
  for (int i = 0; i < 32; ++i) {
    callers.emplace_back([&] {
      EXPECT_THAT(database_->transact([&](Transaction& t) { return increment(t, "a"); }), Succeeds());
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(number("a"), 32);
}

TEST_F(Postgres, TellsWhyAStatementFailedByTheServersOwnCode) {
  const std::vector<std::pair<std::string, ErrorCode>> codes{
      {"53100", ErrorCode::no_space},          {"53200", ErrorCode::unavailable},
      {"57014", ErrorCode::timeout},           {"55P03", ErrorCode::timeout},
      {"42501", ErrorCode::permission_denied}, {"58030", ErrorCode::io_error},
      {"23505", ErrorCode::already_exists},    {"54000", ErrorCode::too_large},
      {"40001", ErrorCode::unavailable},       {"XX000", ErrorCode::internal}};
  for (const auto& [state, code] : codes) {
    EXPECT_THAT(database_->write("DO 'BEGIN RAISE EXCEPTION USING ERRCODE = ''" + state + "''; END'", {}),
                FailsAt(code, "database"))
        << state;
  }
}

TEST_F(Postgres, ThatMayOnlyBeReadIsUnavailable) {
  const auto standby = open(with_setting("default_transaction_read_only=on"));
  EXPECT_THAT(standby->write("INSERT INTO things(id, number) VALUES('c', 0)", {}),
              FailsWith(ErrorCode::unavailable));
}

TEST_F(Postgres, HasACommitOnDiskWhateverTheServersDefaultIs) {
  const auto careless =
      open(with_setting("synchronous_commit=off -c default_transaction_isolation=serializable"));
  EXPECT_EQ(careless->read("SELECT current_setting('synchronous_commit')", {})->front().text(), "on");
  EXPECT_EQ(careless->read("SELECT current_setting('transaction_isolation')", {})->front().text(),
            "read committed");
}

TEST_F(Postgres, IsFoundByAUrlAsWell) {
  const auto host = url_.substr(5, url_.find(' ') - 5);
  EXPECT_TRUE(open("postgresql://sealift@/postgres?host=" + host));
}

TEST_F(Postgres, NeverRepeatsThePasswordOfItsUrl) {
  for (const auto* url :
       {"postgresql://user:hunter2@127.0.0.1:1/db", "host=127.0.0.1 port=1 password=hunter2",
        "postgresql://user:hunter2@127.0.0.1:1/db?nonsense=1", "password=hunter2 =", "a=hunter2"}) {
    const auto refused = Database::open(url);
    ASSERT_FALSE(refused);
    EXPECT_EQ((refused.error().message + refused.error().detail).find("hunter2"), std::string::npos) << url;
  }
}

}  // namespace
}  // namespace sealift::sql
