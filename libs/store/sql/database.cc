// SPDX-License-Identifier: Apache-2.0
#include "store/sql/database.h"

#include "store/sql/postgres_database.h"
#include "store/sql/sqlite_database.h"

namespace sealift::sql {

Result<Rows> Transaction::run(std::string_view sql, const Args& args) {
  if (failed_) return tl::unexpected(*failed_);
  auto rows = connection_.run(sql, args);
  if (!rows) failed_ = rows.error();
  return rows;
}

Status Transaction::outcome(Status status) const {
  if (failed_) return tl::unexpected(*failed_);
  return status;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& url) {
  constexpr std::string_view kSqlitePrefix = "sqlite:";
  if (url.starts_with(kSqlitePrefix)) return SqliteDatabase::open(url.substr(kSqlitePrefix.size()));
  if (url.starts_with("postgresql://") || url.starts_with("postgres://") ||
      url.find('=') != std::string::npos)
    return PostgresDatabase::open(url);
  // It may hold a password: it is not shown.
  return fail(ErrorCode::invalid_argument,
              "a database is named sqlite:PATH, postgresql://HOST/NAME or \"host=HOST dbname=NAME\"",
              "database");
}

}  // namespace sealift::sql
