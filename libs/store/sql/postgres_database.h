// SPDX-License-Identifier: Apache-2.0
/// PostgreSQL behind a bounded pool of connections. A lost connection is replaced when the next one is
/// needed.
#pragma once

#include <string>

#include "store/sql/database.h"
#include "store/sql/pool.h"
#include "store/sql/postgres_connection.h"

namespace sealift::sql {

class PostgresDatabase final : public Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::string& conninfo);

  Status transact(const Work& work) override;
  Status transact_soon(const Work& work) override;
  Result<Rows> write(std::string_view sql, const Args& args) override;
  Result<Rows> read(std::string_view sql, const Args& args) override;

 private:
  explicit PostgresDatabase(const std::string& conninfo);

  Pool<PostgresConnection> connections_;
};

}  // namespace sealift::sql
