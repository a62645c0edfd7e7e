// SPDX-License-Identifier: Apache-2.0
/// One connection to an SQLite file: write-ahead log, and a commit is on disk when it returns.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <unordered_map>

#include "store/sql/database.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sealift::sql {

class SqliteConnection final : public Connection {
 public:
  enum class Use { reading, writing };
  static Result<std::unique_ptr<SqliteConnection>> open(const std::filesystem::path& path, Use use);

  Result<Rows> run(std::string_view sql, const Args& args) override;
  /// SQLite itself rolls back where a disk is full or broken.
  bool in_transaction() const;
  bool usable() const { return true; }
  /// What was committed is on disk.
  Status sync_log();

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

  explicit SqliteConnection(std::unique_ptr<sqlite3, Close> handle) : handle_{std::move(handle)} {}
  Status configure(Use use);
  Status require_wal();
  Result<sqlite3_stmt*> prepared(std::string_view sql);
  Status bind(sqlite3_stmt* statement, const Args& args);
  tl::unexpected<Error> failure(int code, std::string_view sql) const;

  std::unique_ptr<sqlite3, Close> handle_;
  std::unordered_map<std::string, Statement> statements_;  // destroyed before the handle
};

}  // namespace sealift::sql
