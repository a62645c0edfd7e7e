// SPDX-License-Identifier: Apache-2.0
#include "store/sql/sqlite_connection.h"

#include <fmt/core.h>
#include <sqlite3.h>

#include <cerrno>

#include "store/sql/dialect.h"
#include "store/sql/query.h"

namespace sealift::sql {
namespace {

constexpr int kBusyMilliseconds = 5000;
// Pages of the log. From the first number on it is carried over into the database after each commit, as
// SQLite does by itself; but under readers that never pause it would not begin anew and grow without end.
// From the second number on the writer waits a moment for readers to move on.
constexpr int kLogCarriedOver = 1000;
constexpr int kLogBegunAnew = 4000;
constexpr int kWaitForReadersMilliseconds = 100;

ErrorCode code_for_errno(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorCode::no_space;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::permission_denied;
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::not_found;
    default:
      return ErrorCode::io_error;
  }
}

ErrorCode code_for(int extended, int system_error) {
  if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY)
    return ErrorCode::already_exists;
  switch (extended & 0xFF) {
    case SQLITE_FULL:
      return ErrorCode::no_space;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::unavailable;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorCode::permission_denied;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return code_for_errno(system_error);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::io_error;
    case SQLITE_TOOBIG:
      return ErrorCode::too_large;
    default:
      return ErrorCode::internal;
  }
}

const char* message_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::already_exists:
      return "there is one with this key already";
    case ErrorCode::no_space:
      return "the database cannot grow: its disk or quota is full";
    case ErrorCode::unavailable:
      return "another process holds the database";
    case ErrorCode::permission_denied:
      return "the database may not be read or written";
    case ErrorCode::not_found:
      return "the database's folder is not there";
    case ErrorCode::io_error:
      return "the database cannot be read or written: the disk is broken, or the file is not a database";
    case ErrorCode::too_large:
      return "a value is too large for the database";
    default:
      return "the database refused a statement";
  }
}

Value column(sqlite3_stmt* statement, int index) {
  switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER:
      return sqlite3_column_int64(statement, index);
    case SQLITE_TEXT: {
      const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
      return std::string{text, static_cast<std::size_t>(sqlite3_column_bytes(statement, index))};
    }
    case SQLITE_BLOB: {
      const auto* const data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement, index));
      return Bytes(data, data + sqlite3_column_bytes(statement, index));
    }
    default:
      return std::string{};  // no column is NULL or a fraction; a reader of anything but text notices
  }
}

int bind_one(sqlite3_stmt* statement, int index, const Value& value) {
  if (const auto* const number = std::get_if<std::int64_t>(&value))
    return sqlite3_bind_int64(statement, index, *number);
  if (const auto* const text = std::get_if<std::string>(&value))
    return sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  const auto& bytes = std::get<Bytes>(value);
  // An empty vector has no address, and SQLite takes that for NULL.
  if (bytes.empty()) return sqlite3_bind_zeroblob(statement, index, 0);
  return sqlite3_bind_blob64(statement, index, bytes.data(), bytes.size(), SQLITE_STATIC);
}

int after_commit(void*, sqlite3* handle, const char* name, int pages) {
  if (pages < kLogCarriedOver) return SQLITE_OK;
  const bool anew = pages >= kLogBegunAnew;
  sqlite3_busy_timeout(handle, kWaitForReadersMilliseconds);
  // The commit is on disk already: where this fails, the next commit tries again.
  sqlite3_wal_checkpoint_v2(handle, name, anew ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE,
                            nullptr, nullptr);
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
  return SQLITE_OK;
}

/// The arguments are the caller's: the statement must not point at them afterwards.
class Reset {
 public:
  explicit Reset(sqlite3_stmt* statement) : statement_{statement} {}
  Reset(const Reset&) = delete;
  Reset& operator=(const Reset&) = delete;
  ~Reset() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

 private:
  sqlite3_stmt* statement_;
};

/// The write-ahead log's file; null where there is none.
sqlite3_file* log_of(sqlite3* handle) {
  sqlite3_file* log = nullptr;
  const int code = sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  return code == SQLITE_OK && log != nullptr && log->pMethods != nullptr ? log : nullptr;
}

/// The error that the log's file met last; 0 where there is no log. SQLite itself remembers whatever errno
/// was when it had cleaned up, and knows of ENOSPC alone.
int log_errno(sqlite3* handle) {
  auto* const log = log_of(handle);
  int error = 0;
  if (log != nullptr) log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error);
  return error;
}

}  // namespace

void SqliteConnection::Close::operator()(sqlite3* handle) const { sqlite3_close(handle); }
void SqliteConnection::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

tl::unexpected<Error> SqliteConnection::failure(int code, std::string_view sql) const {
  const int system_error = sqlite3_system_errno(handle_.get());
  const int error = log_errno(handle_.get());
  const auto ours = code_for(code, error != 0 ? error : system_error);
  return fail(ours, message_for(ours), "database",
              fmt::format("SQLite {}: {}: {}", code, sqlite3_errmsg(handle_.get()), sql));
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::filesystem::path& path, Use use) {
  sqlite3* raw = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &raw, kFlags, nullptr);
  std::unique_ptr<SqliteConnection> made{new SqliteConnection{std::unique_ptr<sqlite3, Close>{raw}}};
  if (raw == nullptr) return fail(ErrorCode::io_error, "no memory to open the database", "database");
  if (code != SQLITE_OK) return made->failure(code, "open");
  SEALIFT_CHECK(made->configure(use));
  return made;
}

Status SqliteConnection::configure(Use use) {
  sqlite3_busy_timeout(handle_.get(), kBusyMilliseconds);
  SEALIFT_CHECK(require_wal());
  // NORMAL: the log is synced before it is carried over and begun anew; after a commit sync_log() does it.
  for (const auto* pragma : {"PRAGMA synchronous = NORMAL", "PRAGMA trusted_schema = OFF",
                             "PRAGMA cache_size = -16384", "PRAGMA temp_store = MEMORY"}) {
    SEALIFT_CHECK(run(pragma, {}));
  }
  if (use == Use::reading) return done(run("PRAGMA query_only = ON", {}));
  sqlite3_wal_hook(handle_.get(), after_commit, nullptr);
  return {};
}

Status SqliteConnection::require_wal() {
  SEALIFT_TRY(auto mode, run("PRAGMA journal_mode = WAL", {}));
  if (mode.size() == 1 && mode.front().text() == "wal") return {};
  return fail(ErrorCode::unsupported,
              "the database's file system cannot keep a write-ahead log: choose a local one", "database");
}

Status SqliteConnection::sync_log() {
  auto* const log = log_of(handle_.get());
  if (log == nullptr) return {};
  const int code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  return code == SQLITE_OK ? Status{} : Status{failure(code, "sync")};
}

bool SqliteConnection::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

Result<sqlite3_stmt*> SqliteConnection::prepared(std::string_view sql) {
  std::string key{sql};
  if (const auto known = statements_.find(key); known != statements_.end()) return known->second.get();
  const auto text = in_dialect(sql, kSqlite);
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), text.data(), static_cast<int>(text.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return failure(code, sql);
  statements_.emplace(std::move(key), raw);
  return raw;
}

Status SqliteConnection::bind(sqlite3_stmt* statement, const Args& args) {
  if (static_cast<std::size_t>(sqlite3_bind_parameter_count(statement)) != args.size())
    return fail(ErrorCode::internal, "a statement has another number of arguments", "database",
                sqlite3_sql(statement));
  SEALIFT_CHECK(check_texts(args));
  for (std::size_t i = 0; i < args.size(); ++i) {
    // SQLite numbers parameters as they appear; by name $2 is $2 wherever it stands.
    const int index = sqlite3_bind_parameter_index(statement, fmt::format("${}", i + 1).c_str());
    const int code = bind_one(statement, index, args[i]);
    if (code != SQLITE_OK) return failure(code, sqlite3_sql(statement));
  }
  return {};
}

Result<Rows> SqliteConnection::run(std::string_view sql, const Args& args) {
  SEALIFT_TRY(auto* const statement, prepared(sql));
  const Reset reset{statement};
  SEALIFT_CHECK(bind(statement, args));
  Rows rows;
  int code = sqlite3_step(statement);
  for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
    std::vector<Value> columns;
    const int count = sqlite3_column_count(statement);
    columns.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) columns.push_back(column(statement, i));
    rows.emplace_back(std::move(columns));
  }
  if (code != SQLITE_DONE) return failure(code, sql);
  return rows;
}

}  // namespace sealift::sql
