// SPDX-License-Identifier: Apache-2.0
/// SQLite with group commit: one thread writes. It takes all transactions that wait, runs each under a
/// savepoint, and makes them durable with one sync; so many writers cost the disk little more than one. Those
/// that need not wait for the sync do not; it comes all the same, when nothing else is to be done.
/// Readers have connections of their own and never wait for the writer.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <semaphore>
#include <thread>
#include <vector>

#include "store/sql/database.h"
#include "store/sql/pool.h"
#include "store/sql/sqlite_connection.h"

namespace sealift::sql {

class SqliteDatabase final : public Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path);
  ~SqliteDatabase() override;

  Status transact(const Work& work) override { return submit(work, false); }
  Status transact_soon(const Work& work) override { return submit(work, true); }
  Result<Rows> write(std::string_view sql, const Args& args) override;
  Result<Rows> read(std::string_view sql, const Args& args) override;

 private:
  struct Job {
    const Work& work;
    bool soon;
    Status status = {};
    std::binary_semaphore done{0};
  };
  using Batch = std::vector<Job*>;

  SqliteDatabase(std::filesystem::path path, std::unique_ptr<SqliteConnection> writer);
  Status submit(const Work& work, bool soon);
  void serve();
  Batch next_batch();
  void settle(const Batch& batch);
  Status commit_together(const Batch& batch);
  void sync(const Batch& batch);
  void run_one(Job& job);

  std::filesystem::path path_;
  std::unique_ptr<SqliteConnection> writer_;  // the writing thread's
  Pool<SqliteConnection> readers_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  Batch waiting_;
  bool closing_ = false;
  bool unsynced_ = false;  // the writing thread's: something is committed that may not be on disk
  std::thread thread_;
};

}  // namespace sealift::sql
