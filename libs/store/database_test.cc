// SPDX-License-Identifier: Apache-2.0
/// The layer beneath the stores: values, transactions, schemas.
#include "store/sql/database.h"

#include <limits>

#include "store/conformance_for_test.h"
#include "store/images.h"
#include "store/images_for_test.h"
#include "store/sql/migrate.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

using sql::Transaction;

class Databases : public Conformance {
 protected:
  void SetUp() override {
    Conformance::SetUp();
    auto opened = sql::Database::open(url());
    ASSERT_THAT(opened, Succeeds());
    database_ = std::move(*opened);
    ASSERT_THAT(database_->write("CREATE TABLE things(id @TEXT PRIMARY KEY, number @INT NOT NULL, "
                                 "bytes @BYTES NOT NULL) @STRICT",
                                 {}),
                Succeeds());
  }
  void TearDown() override {
    database_.reset();
    Conformance::TearDown();
  }
  static Status insert(Transaction& transaction, const std::string& id) {
    return sql::done(
        transaction.run("INSERT INTO things(id, number, bytes) VALUES($1, 0, $2)", {id, Bytes{}}));
  }
  bool has(const std::string& id) {
    const auto rows = database_->read("SELECT id FROM things WHERE id = $1", {id});
    EXPECT_THAT(rows, Succeeds());
    return !rows->empty();
  }
  std::unique_ptr<sql::Database> database_;
};
SEALIFT_CONFORMANCE(Databases);

TEST_P(Databases, GiveBackEveryValueAsItWas) {
  const Bytes every_byte = [] {
    Bytes all;
    for (int i = 0; i < 256; ++i) all.push_back(static_cast<std::uint8_t>(i));
    return all;
  }();
  for (const std::int64_t number : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1},
                                    std::int64_t{0}, std::numeric_limits<std::int64_t>::max()}) {
    for (const auto& some : {Bytes{}, Bytes{0}, every_byte, Bytes(1'000'000, 7)}) {
      auto rows = database_->write(
          "INSERT INTO things(id, number, bytes) VALUES($1, $2, $3) ON CONFLICT(id) DO UPDATE SET "
          "number = excluded.number, bytes = excluded.bytes RETURNING id, number, bytes",
          {std::string{"\xF0\x9F\x94\x92 'quoted' $1"}, number, some});
      ASSERT_THAT(rows, Succeeds());
      EXPECT_EQ(rows->front().text(), "\xF0\x9F\x94\x92 'quoted' $1");
      EXPECT_EQ(rows->front().integer(), number);
      EXPECT_EQ(rows->front().bytes(), some);
      EXPECT_THAT(rows->front().finish(), Succeeds());
    }
  }
}

TEST_P(Databases, KeepNothingOfATransactionThatFails) {
  const auto status = database_->transact([&](Transaction& transaction) -> Status {
    SEALIFT_CHECK(insert(transaction, "a"));
    return fail(ErrorCode::conflict, "no");
  });
  EXPECT_THAT(status, FailsWith(ErrorCode::conflict));
  EXPECT_FALSE(has("a"));
}

TEST_P(Databases, KeepAllOrNothingOfATransactionThatDoesNotWaitForTheDisk) {
  ASSERT_THAT(database_->transact_soon([&](Transaction& t) { return insert(t, "a"); }), Succeeds());
  EXPECT_TRUE(has("a"));
  const auto status = database_->transact_soon([&](Transaction& transaction) -> Status {
    SEALIFT_CHECK(insert(transaction, "b"));
    return insert(transaction, "a");
  });
  EXPECT_THAT(status, FailsWith(ErrorCode::already_exists));
  EXPECT_FALSE(has("b"));
}

TEST_P(Databases, EndATransactionWithItsFirstErrorEvenWhereThatIsIgnored) {
  ASSERT_THAT(database_->transact([&](Transaction& t) { return insert(t, "taken"); }), Succeeds());
  const auto status = database_->transact([&](Transaction& transaction) -> Status {
    SEALIFT_CHECK(insert(transaction, "a"));
    static_cast<void>(insert(transaction, "taken"));
    EXPECT_THAT(insert(transaction, "b"), FailsWith(ErrorCode::already_exists));
    return {};
  });
  EXPECT_THAT(status, FailsWith(ErrorCode::already_exists));
  EXPECT_FALSE(has("a"));
  EXPECT_FALSE(has("b"));
}

TEST_P(Databases, GoOnAfterAStatementThatIsWrong) {
  EXPECT_THAT(database_->write("INSERT INTO nothing VALUES(1)", {}), FailsWith(ErrorCode::internal));
  EXPECT_THAT(database_->read("SELECT id FROM things WHERE id = $1", {}), FailsWith(ErrorCode::internal));
  EXPECT_THAT(database_->transact([&](Transaction& t) { return insert(t, "a"); }), Succeeds());
}

TEST_P(Databases, CountEveryOneOfManyIncrements) {
  ASSERT_THAT(database_->transact([&](Transaction& t) { return insert(t, "n"); }), Succeeds());
  in_threads(16, [&](int) {
    for (int i = 0; i < 10; ++i) {
      EXPECT_THAT(database_->write("UPDATE things SET number = number + 1 WHERE id = 'n'", {}), Succeeds());
    }
  });
  auto rows = *database_->read("SELECT number FROM things WHERE id = 'n'", {});
  EXPECT_EQ(rows.front().integer(), 160);
}

TEST_P(Databases, KeepTheErrorOfOneTransactionFromItsNeighbours) {
  ASSERT_THAT(database_->transact([&](Transaction& t) { return insert(t, "taken"); }), Succeeds());
  in_threads(8, [&](int i) {
    const auto mine = "t" + std::to_string(i);
    const auto status = database_->transact([&](Transaction& transaction) -> Status {
      SEALIFT_CHECK(insert(transaction, mine));
      if (i % 2 == 0) SEALIFT_CHECK(insert(transaction, "taken"));
      return {};
    });
    EXPECT_EQ(status.has_value(), i % 2 == 1);
    EXPECT_EQ(has(mine), i % 2 == 1);
  });
}

TEST_P(Databases, LetReadersInWhileATransactionIsUnderWay) {
  ASSERT_THAT(database_->transact([&](Transaction& t) { return insert(t, "before"); }), Succeeds());
  EXPECT_THAT(database_->transact([&](Transaction& transaction) -> Status {
    SEALIFT_CHECK(insert(transaction, "within"));
    EXPECT_TRUE(has("before"));
    EXPECT_FALSE(has("within"));
    return {};
  }),
              Succeeds());
  EXPECT_TRUE(has("within"));
}

const sql::Schema kFirst{"toys", {{"CREATE TABLE toys(id @TEXT PRIMARY KEY) @STRICT"}}};
const sql::Schema kSecond{"toys",
                          {{"CREATE TABLE toys(id @TEXT PRIMARY KEY) @STRICT"},
                           {"ALTER TABLE toys ADD COLUMN colour @TEXT NOT NULL DEFAULT 'red'",
                            "INSERT INTO toys(id) VALUES('ball')"}}};

class Schemas : public Databases {};
SEALIFT_CONFORMANCE(Schemas);

TEST_P(Schemas, GrowFromVersionToVersionAndKeepTheirRows) {
  ASSERT_THAT(sql::migrate(*database_, kFirst), Succeeds());
  ASSERT_THAT(database_->write("INSERT INTO toys(id) VALUES('car')", {}), Succeeds());
  ASSERT_THAT(sql::migrate(*database_, kSecond), Succeeds());
  ASSERT_THAT(sql::migrate(*database_, kSecond), Succeeds());
  auto rows = *database_->read("SELECT colour FROM toys WHERE id IN ('car', 'ball')", {});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].text(), "red");
}

TEST_P(Schemas, OfANewerProgramAreRefused) {
  ASSERT_THAT(sql::migrate(*database_, kSecond), Succeeds());
  const auto refused = sql::migrate(*database_, kFirst);
  ASSERT_THAT(refused, FailsAt(ErrorCode::unsupported, "database"));
  EXPECT_EQ(
      refused.error().message,
      "the database has version 2 of the toys schema, this program knows up to 1: use the newer program");
}

TEST_P(Schemas, OfANewerProgramAreRefusedWhenAServiceStarts) {
  ASSERT_TRUE(open(Schema::keys));
  ASSERT_THAT(database_->write("UPDATE sealift_schemas SET version = 1000 WHERE name = 'keys'", {}),
              Succeeds());
  EXPECT_THAT(store::open(url(), Schema::keys), FailsWith(ErrorCode::unsupported));
  // Another schema in the same database is another matter.
  EXPECT_THAT(store::open(url(), Schema::images), Succeeds());
}

TEST_P(Schemas, ThatCannotBeAppliedWhollyAreNotAppliedAtAll) {
  ASSERT_THAT(sql::migrate(*database_, kFirst), Succeeds());
  auto broken = kSecond;
  broken.migrations.push_back({"CREATE TABLE half(id @TEXT PRIMARY KEY) @STRICT", "CREATE NONSENSE"});
  EXPECT_THAT(sql::migrate(*database_, broken), FailsWith(ErrorCode::internal));
  EXPECT_FALSE(database_->read("SELECT colour FROM toys WHERE id = 'x'", {}));
  EXPECT_FALSE(database_->read("SELECT id FROM half WHERE id = 'x'", {}));
  EXPECT_THAT(sql::migrate(*database_, kSecond), Succeeds());
}

TEST_P(Schemas, AreAppliedOnceWhereManyStartAtTheSameTime) {
  std::atomic<int> opened = 0;
  in_threads(6, [&](int) {
    if (open(Schema::launches)) ++opened;
  });
  EXPECT_EQ(opened, 6);
}

TEST_P(Schemas, OfAllServicesFitIntoOneDatabase) {
  const auto images = open(Schema::images);
  const auto launches = open(Schema::launches);
  const auto keys = open(Schema::keys);
  EXPECT_THAT(make_image_store(*keys)->create(for_test::image("acme", "i1"), {}, for_test::kAmple),
              Succeeds());
  EXPECT_THAT(make_image_store(*images)->get("acme", "i1"), Succeeds());
}

}  // namespace
}  // namespace sealift::store
