// SPDX-License-Identifier: Apache-2.0
#include "store/sql/migrate.h"

#include <fmt/core.h>

#include "store/sql/query.h"

namespace sealift::sql {
namespace {

Result<std::int64_t> version_of(Transaction& transaction, const Schema& schema) {
  SEALIFT_CHECK(
      transaction.run("CREATE TABLE IF NOT EXISTS sealift_schemas("
                      "name @TEXT PRIMARY KEY, version @INT NOT NULL) @STRICT"));
  SEALIFT_TRY(const auto version,
              maybe<std::int64_t>(transaction.run("SELECT version FROM sealift_schemas WHERE name = $1",
                                                  {std::string{schema.name}}),
                                  read_integer));
  return version.value_or(0);
}

Status apply(Transaction& transaction, const Schema& schema) {
  SEALIFT_CHECK(transaction.run("@LOCK_SCHEMA"));
  SEALIFT_TRY(const auto have, version_of(transaction, schema));
  const auto want = static_cast<std::int64_t>(schema.migrations.size());
  if (have > want) {
    return fail(ErrorCode::unsupported,
                fmt::format("the database has version {} of the {} schema, this program knows up to {}: "
                            "use the newer program",
                            have, schema.name, want),
                "database");
  }
  for (auto next = have; next < want; ++next) {
    for (const auto statement : schema.migrations[static_cast<std::size_t>(next)])
      SEALIFT_CHECK(transaction.run(statement));
  }
  if (have == want) return {};
  return done(
      transaction.run("INSERT INTO sealift_schemas(name, version) VALUES($1, $2) "
                      "ON CONFLICT(name) DO UPDATE SET version = excluded.version",
                      {std::string{schema.name}, want}));
}

}  // namespace

Status migrate(Database& database, const Schema& schema) {
  return database.transact([&](Transaction& transaction) { return apply(transaction, schema); });
}

}  // namespace sealift::sql
