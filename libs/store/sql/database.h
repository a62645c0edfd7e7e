// SPDX-License-Identifier: Apache-2.0
/// One thin layer over SQLite and PostgreSQL: the same statements ($1, ON CONFLICT, RETURNING) run on both,
/// and what differs is a word of the dialect (dialect.h).
///
/// Transactions are READ COMMITTED on PostgreSQL and one at a time on SQLite. So a statement decides by
/// itself (a version in its WHERE, ON CONFLICT, a locked row); what an earlier statement read decides
/// nothing. See adr/0010.
///
/// Errors: already_exists (a key is taken), invalid_argument (no text), no_space, permission_denied, timeout,
/// unavailable (connection lost, or busy for long: if it happened while a commit was on its way, that commit
/// may have been made), unsupported (a newer schema), io_error, internal. What succeeded is on disk, unless
/// it was not to wait for that.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "store/sql/value.h"

namespace sealift::sql {

/// One connection to either database; used by one thread at a time.
class Connection {
 public:
  virtual ~Connection() = default;
  /// `sql` is one statement. It is prepared once for each connection.
  virtual Result<Rows> run(std::string_view sql, const Args& args) = 0;
};

/// A transaction under way. The first statement that fails ends it: whatever follows, nothing of it is kept.
class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_{connection} {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() = default;

  Result<Rows> run(std::string_view sql, const Args& args = {});
  /// `status`, or the error of the statement that failed before.
  Status outcome(Status status) const;

 private:
  Connection& connection_;
  std::optional<Error> failed_;
};

/// May be run more than once, on any thread: it changes nothing but the database and what it captured to
/// return.
using Work = std::function<Status(Transaction&)>;

/// Any number of threads may use it at the same time; each call waits for its result, within bounds.
class Database {
 public:
  /// "sqlite:PATH" (made where there is none, readable to its owner alone), or PostgreSQL's "postgresql://…"
  /// or "host=… dbname=…".
  static Result<std::unique_ptr<Database>> open(const std::string& url);
  virtual ~Database() = default;

  /// All that `work` does, or nothing where it fails.
  virtual Status transact(const Work& work) = 0;
  /// As transact(), but it does not wait for the disk: it is on disk when a later transact() returns, or a
  /// moment later by itself. Until then a loss of power, never a kill, may take it and all that came after
  /// it.
  virtual Status transact_soon(const Work& work) = 0;
  /// One statement that writes, as a transaction of its own.
  virtual Result<Rows> write(std::string_view sql, const Args& args) = 0;
  /// One statement that only reads.
  virtual Result<Rows> read(std::string_view sql, const Args& args) = 0;
};

/// transact() or transact_soon() with a result: `work` takes a Transaction& and returns a Result<T>.
template <typename F>
auto in_transaction(Database& database, F work,
                    Status (Database::*transact)(const Work&) = &Database::transact)
    -> decltype(work(std::declval<Transaction&>())) {
  using T = typename decltype(work(std::declval<Transaction&>()))::value_type;
  std::optional<T> made;
  SEALIFT_CHECK((database.*transact)([&](Transaction& transaction) -> Status {
    SEALIFT_TRY(made, work(transaction));
    return {};
  }));
  return std::move(*made);
}

/// As Database::write(), but it does not wait for the disk: see transact_soon().
inline Result<Rows> write_soon(Database& database, std::string_view sql, const Args& args) {
  return in_transaction(
      database, [&](Transaction& transaction) { return transaction.run(sql, args); },
      &Database::transact_soon);
}

}  // namespace sealift::sql
