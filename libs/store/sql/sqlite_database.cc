// SPDX-License-Identifier: Apache-2.0
#include "store/sql/sqlite_database.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"

namespace sealift::sql {
namespace {

constexpr std::size_t kReaders = 4;
constexpr std::chrono::milliseconds kSoon{5};  // with nothing to do, what is not yet on disk goes there

/// SQLite would make it readable to others. Not opened where it exists: closing it would drop the locks that
/// another connection of this process holds on it (fcntl(2)).
Status create_if_missing(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return {};
  const auto made = open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (!made) {
    if (made.error().code == ErrorCode::already_exists) return {};
    return tl::unexpected(made.error());
  }
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
  SEALIFT_TRY(const auto directory, open_file(folder, O_RDONLY | O_DIRECTORY));
  if (::fsync(directory.get()) != 0) return fail_errno("fsync " + folder.string());
  return {};
}

}  // namespace

Result<std::unique_ptr<Database>> SqliteDatabase::open(const std::filesystem::path& path) {
  SEALIFT_CHECK(create_if_missing(path));
  SEALIFT_TRY(auto writer, SqliteConnection::open(path, SqliteConnection::Use::writing));
  return std::unique_ptr<Database>{new SqliteDatabase{path, std::move(writer)}};
}

SqliteDatabase::SqliteDatabase(std::filesystem::path path, std::unique_ptr<SqliteConnection> writer)
    : path_{std::move(path)},
      writer_{std::move(writer)},
      readers_{kReaders, [this] { return SqliteConnection::open(path_, SqliteConnection::Use::reading); }},
      thread_{[this] { serve(); }} {}

SqliteDatabase::~SqliteDatabase() {
  {
    const std::scoped_lock lock{mutex_};
    closing_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

Status SqliteDatabase::submit(const Work& work, bool soon) {
  Job job{work, soon};
  {
    const std::scoped_lock lock{mutex_};
    waiting_.push_back(&job);
  }
  arrived_.notify_one();
  job.done.acquire();
  return std::move(job.status);
}

Result<Rows> SqliteDatabase::write(std::string_view sql, const Args& args) {
  return in_transaction(*this, [&](Transaction& transaction) { return transaction.run(sql, args); });
}

Result<Rows> SqliteDatabase::read(std::string_view sql, const Args& args) {
  SEALIFT_TRY(const auto reader, readers_.borrow());
  return reader->run(sql, args);
}

SqliteDatabase::Batch SqliteDatabase::next_batch() {
  std::unique_lock lock{mutex_};
  const auto is_due = [&] { return closing_ || !waiting_.empty(); };
  if (unsynced_ && !arrived_.wait_for(lock, kSoon, is_due)) {
    lock.unlock();
    sync({});
    lock.lock();
  }
  arrived_.wait(lock, is_due);
  return std::exchange(waiting_, {});
}

void SqliteDatabase::serve() {
  for (auto batch = next_batch(); !batch.empty(); batch = next_batch()) settle(batch);
  if (unsynced_) sync({});
}

/// Runs them all, and tells each that is done.
void SqliteDatabase::settle(const Batch& batch) {
  const auto release = [](Job* job) { job->done.release(); };
  const auto begun = writer_->run("BEGIN IMMEDIATE", {});
  if (!begun) {
    for (auto* const job : batch) job->status = tl::unexpected(begun.error());
    std::ranges::for_each(batch, release);
    return;
  }
  const auto committed = commit_together(batch);
  if (committed) {
    Batch wait_for_disk;
    // A job is its owner's again as soon as it is released.
    for (auto* const job : batch) {
      if (job->status && !job->soon) {
        wait_for_disk.push_back(job);
      } else {
        release(job);
      }
    }
    if (!wait_for_disk.empty()) sync(wait_for_disk);
    std::ranges::for_each(wait_for_disk, release);
    return;
  }
  if (batch.size() == 1) {
    if (batch.front()->status) batch.front()->status = committed;
    return release(batch.front());
  }
  // One that needs too much room must not take the others with it: each for itself.
  for (auto* const job : batch) settle({job});
}

/// What was committed is on disk, or these failed: whether that commit stays, nobody knows then.
void SqliteDatabase::sync(const Batch& batch) {
  unsynced_ = false;
  const auto synced = writer_->sync_log();
  if (synced) return;
  for (auto* const job : batch) job->status = synced;
}

/// Fails where nothing of the batch was kept.
Status SqliteDatabase::commit_together(const Batch& batch) {
  for (auto* const job : batch) {
    run_one(*job);
    if (!writer_->in_transaction()) return fail(ErrorCode::internal, "the database rolled back", "database");
  }
  auto committed = writer_->run("COMMIT", {});
  if (committed) {
    unsynced_ = true;
    return {};
  }
  if (writer_->in_transaction()) static_cast<void>(writer_->run("ROLLBACK", {}));
  return tl::unexpected(std::move(committed).error());
}

void SqliteDatabase::run_one(Job& job) {
  Transaction transaction{*writer_};
  static_cast<void>(transaction.run("SAVEPOINT job"));
  job.status = transaction.outcome(job.work(transaction));
  if (!writer_->in_transaction()) return;
  if (!job.status) static_cast<void>(writer_->run("ROLLBACK TO job", {}));
  const auto released = writer_->run("RELEASE job", {});
  if (!released && job.status) job.status = tl::unexpected(released.error());
}

}  // namespace sealift::sql
