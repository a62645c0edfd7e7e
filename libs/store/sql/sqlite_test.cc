// SPDX-License-Identifier: Apache-2.0
/// What only SQLite has: files, group commit, and the disk beneath.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <barrier>
#include <cerrno>
#include <latch>
#include <mutex>
#include <set>
#include <thread>

#include "base/file.h"
#include "base/matchers.h"
#include "store/sql/database.h"
#include "store/sql/disk_for_test.h"
#include "store/sql/query.h"

namespace sealift::sql {
namespace {

namespace fs = std::filesystem;
using disk_for_test::FileSizeLimit;
using disk_for_test::SyncRecorder;

class Sqlite : public ::testing::Test {
 protected:
  fs::path file() const { return directory_.path() / "state.db"; }
  static std::unique_ptr<Database> open(const fs::path& path) {
    auto opened = Database::open("sqlite:" + path.string());
    EXPECT_THAT(opened, Succeeds());
    return opened ? std::move(*opened) : nullptr;
  }
  std::unique_ptr<Database> open_with_table() {
    auto database = open(file());
    EXPECT_THAT(
        database->write("CREATE TABLE IF NOT EXISTS things(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL, "
                        "twin INTEGER NOT NULL) STRICT",
                        {}),
        Succeeds());
    return database;
  }
  /// Two rows in one transaction, each knowing the other.
  static Status put_pair(Database& database, std::int64_t id, std::size_t size = 100,
                         Status (Database::*transact)(const Work&) = &Database::transact) {
    return (database.*transact)([&](Transaction& transaction) -> Status {
      for (const std::int64_t one : {id, -id}) {
        SEALIFT_CHECK(transaction.run("INSERT INTO things(id, bytes, twin) VALUES($1, $2, $3)",
                                      {one, Bytes(size, 7), -one}));
      }
      return {};
    });
  }
  /// What is in the database after a loss of power now.
  std::set<std::int64_t> left(const SyncRecorder& recorder) {
    auto files = recorder.after_loss_of_power();
    const auto elsewhere = TemporaryDirectory::create("sealift-sqlite");
    for (const auto* name : {"state.db", "state.db-wal"})
      EXPECT_THAT(write_file(elsewhere->path() / name, files[name]), Succeeds());
    return ids(*open(elsewhere->path() / "state.db"));
  }
  static std::set<std::int64_t> ids(Database& database) {
    std::set<std::int64_t> found;
    auto rows = database.read("SELECT id, twin FROM things", {});
    EXPECT_THAT(rows, Succeeds());
    for (auto& row : *rows) {
      found.insert(row.integer());
      static_cast<void>(row.integer());
    }
    return found;
  }
  static void expect_whole_pairs(const std::set<std::int64_t>& found) {
    for (const auto id : found) EXPECT_TRUE(found.contains(-id)) << id;
  }

  TemporaryDirectory directory_ = *TemporaryDirectory::create("sealift-sqlite");
};

TEST_F(Sqlite, KeepsItsFilesFromOtherUsers) {
  const auto database = open_with_table();
  int seen = 0;
  for (const auto& entry : fs::directory_iterator{directory_.path()}) {
    struct stat status{};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << entry.path();
    ++seen;
  }
  EXPECT_EQ(seen, 3);  // the database, its log, its index of the log
}

TEST_F(Sqlite, SaysThatAFolderIsMissing) {
  EXPECT_THAT(Database::open("sqlite:" + (directory_.path() / "no" / "x.db").string()),
              FailsWith(ErrorCode::not_found));
}

TEST_F(Sqlite, RefusesAFileThatIsNoDatabase) {
  ASSERT_THAT(write_file(file(), Bytes(8192, 'x')), Succeeds());
  EXPECT_THAT(Database::open("sqlite:" + file().string()), FailsWith(ErrorCode::io_error));
}

TEST_F(Sqlite, RefusesUrlsOfNoKnownKindWithoutRepeatingThem) {
  for (const auto* url : {"", "state.db", "mysql://root:hunter2@host/db"}) {
    const auto refused = Database::open(url);
    ASSERT_THAT(refused, FailsAt(ErrorCode::invalid_argument, "database"));
    EXPECT_EQ(refused.error().message.find("hunter2"), std::string::npos);
  }
}

TEST_F(Sqlite, DoesNotWriteWhereItWasAskedToRead) {
  const auto database = open_with_table();
  EXPECT_FALSE(database->read("INSERT INTO things(id, bytes, twin) VALUES(1, x'', 1)", {}));
  EXPECT_TRUE(ids(*database).empty());
}

TEST_F(Sqlite, IsSharedByTwoProcessesThatWriteAtTheSameTime) {
  const auto one = open_with_table();
  const auto two = open(file());
  std::barrier start{2};
  const auto write = [&](Database& database, std::int64_t from) {
    start.arrive_and_wait();
    for (std::int64_t i = 0; i < 50; ++i) EXPECT_THAT(put_pair(database, from + i), Succeeds());
  };
  std::thread other{[&] { write(*two, 1000); }};
  write(*one, 1);
  other.join();
  EXPECT_EQ(ids(*one).size(), 200U);
}

TEST_F(Sqlite, CommitsWhatWaitsTogether) {
  constexpr int kWriters = 16;
  const auto database = open_with_table();
  // Those that come while a transaction is under way go together; how many those are, nobody can say. So it
  // is tried until they were fewer syncs than transactions.
  int syncs = kWriters;
  for (int round = 0; round < 100 && syncs >= kWriters; ++round) {
    std::latch begun{1};
    std::latch ready{kWriters};
    std::thread first{[&] {
      EXPECT_THAT(database->transact([&](Transaction&) -> Status {
        begun.count_down();
        ready.wait();
        return {};
      }),
                  Succeeds());
    }};
    begun.wait();
    const SyncRecorder recorder;
    std::vector<std::thread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i] {
        ready.count_down();
        EXPECT_THAT(put_pair(*database, 1 + round * kWriters + i), Succeeds());
      });
    }
    for (auto& writer : writers) writer.join();
    first.join();
    syncs = recorder.syncs();
    EXPECT_GE(syncs, 1);
  }
  EXPECT_LT(syncs, kWriters);
}

TEST_F(Sqlite, HasOnTheDiskWhatItAcknowledgedWhenThePowerIsLost) {
  constexpr std::int64_t kWriters = 4;
  constexpr std::int64_t kEach = 60;
  const SyncRecorder recorder;
  auto database = open_with_table();
  std::mutex mutex;
  std::set<std::int64_t> acknowledged;
  std::set<std::int64_t> acknowledged_then;
  std::map<std::string, Bytes> left;
  std::vector<std::thread> writers;
  for (std::int64_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (std::int64_t i = 1; i <= kEach; ++i) {
        const auto id = writer * kEach + i;
        // Large enough that the log is carried over into the database meanwhile.
        EXPECT_THAT(put_pair(*database, id, 20'000), Succeeds());
        const std::scoped_lock lock{mutex};
        acknowledged.insert(id);
        if (acknowledged.size() == kWriters * kEach * 3 / 4) {
          acknowledged_then = acknowledged;
          left = recorder.after_loss_of_power();
        }
      }
    });
  }
  for (auto& writer : writers) writer.join();

  const auto elsewhere = directory_.path() / "after";
  fs::create_directory(elsewhere);
  for (const auto* name : {"state.db", "state.db-wal"})
    ASSERT_THAT(write_file(elsewhere / name, left[name]), Succeeds());
  const auto found = ids(*open(elsewhere / "state.db"));
  for (const auto id : acknowledged_then) EXPECT_TRUE(found.contains(id)) << id;
  expect_whole_pairs(found);
}

TEST_F(Sqlite, BringsToDiskWhatCameBeforeWithWhatWaits) {
  const SyncRecorder recorder;
  const auto database = open_with_table();
  ASSERT_THAT(put_pair(*database, 1, 100, &Database::transact_soon), Succeeds());
  ASSERT_THAT(put_pair(*database, 2), Succeeds());
  EXPECT_EQ(left(recorder), (std::set<std::int64_t>{-2, -1, 1, 2}));
}

TEST_F(Sqlite, BringsToDiskWhatNobodyWaitsFor) {
  const SyncRecorder recorder;
  const auto database = open_with_table();
  const auto before = recorder.syncs();
  ASSERT_THAT(put_pair(*database, 1, 100, &Database::transact_soon), Succeeds());
  EXPECT_TRUE(ids(*database).contains(1));
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (recorder.syncs() == before && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  EXPECT_TRUE(left(recorder).contains(1));
}

TEST_F(Sqlite, BringsToDiskWhatNobodyWaitsForBeforeItCloses) {
  const SyncRecorder recorder;
  auto database = open_with_table();
  ASSERT_THAT(put_pair(*database, 1, 100, &Database::transact_soon), Succeeds());
  database.reset();
  EXPECT_TRUE(left(recorder).contains(1));
}

TEST_F(Sqlite, KeepsItsLogShortUnderReadersThatNeverPause) {
  const auto database = open_with_table();
  ASSERT_THAT(put_pair(*database, 1, 4000), Succeeds());
  std::atomic<bool> written = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!written) EXPECT_EQ(ids(*database).size(), 2U);
    });
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(database->transact([&](Transaction& transaction) -> Status {
      return done(
          transaction.run("UPDATE things SET bytes = $1", {Bytes(300'000, static_cast<std::uint8_t>(i))}));
    }),
                Succeeds());
  }
  written = true;
  for (auto& reader : readers) reader.join();
  // 60 MB were written.
  EXPECT_LT(fs::file_size(file().string() + "-wal"), 48'000'000U);
}

class SqliteOnAFullDisk : public Sqlite, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Errors, SqliteOnAFullDisk, ::testing::Values(ENOSPC, EDQUOT, EFBIG));

TEST_P(SqliteOnAFullDisk, RefusesWhatDoesNotFitAndKeepsNothingHalf) {
  std::set<std::int64_t> acknowledged;
  {
    const auto database = open_with_table();
    std::int64_t next = 1;
    {
      const FileSizeLimit limit{300'000, GetParam()};
      for (auto status = put_pair(*database, next, 2000); status; status = put_pair(*database, next, 2000))
        acknowledged.insert(next++);
      EXPECT_GT(acknowledged.size(), 10U);
      EXPECT_THAT(put_pair(*database, next, 2000), FailsWith(ErrorCode::no_space));
      const auto found = ids(*database);
      EXPECT_EQ(found.size(), 2 * acknowledged.size());
      expect_whole_pairs(found);
    }
    // Room again: it goes on without a restart.
    EXPECT_THAT(put_pair(*database, next, 2000), Succeeds());
    acknowledged.insert(next);
  }
  const auto found = ids(*open(file()));
  EXPECT_EQ(found.size(), 2 * acknowledged.size());
  expect_whole_pairs(found);
}

TEST_P(SqliteOnAFullDisk, RefusesALargeTransactionAndNotItsSmallNeighbours) {
  const auto database = open_with_table();
  const FileSizeLimit limit{2'000'000, GetParam()};
  std::barrier start{9};
  std::vector<std::thread> small;
  for (std::int64_t i = 1; i <= 8; ++i) {
    small.emplace_back([&, i] {
      start.arrive_and_wait();
      for (std::int64_t n = 0; n < 5; ++n) EXPECT_THAT(put_pair(*database, i * 100 + n), Succeeds());
    });
  }
  start.arrive_and_wait();
  for (int n = 0; n < 3; ++n) EXPECT_THAT(put_pair(*database, 1, 4'000'000), FailsWith(ErrorCode::no_space));
  for (auto& thread : small) thread.join();
  EXPECT_EQ(ids(*database).size(), 80U);
}

}  // namespace
}  // namespace sealift::sql
