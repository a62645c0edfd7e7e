// SPDX-License-Identifier: Apache-2.0
/// One connection to PostgreSQL, or to what speaks its protocol. Every wait has an end.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "store/sql/database.h"

struct pg_conn;
struct pg_result;

namespace sealift::sql {

class PostgresConnection final : public Connection {
 public:
  static Result<std::unique_ptr<PostgresConnection>> open(const std::string& conninfo);

  Result<Rows> run(std::string_view sql, const Args& args) override;
  /// BEGIN, COMMIT: one round trip, nothing prepared.
  Status command(const char* text);
  /// What failed before is still what worth_retrying() tells about.
  void roll_back();
  /// False once the connection is lost or its server is going away; asks the socket, not the server.
  bool usable();
  /// The last failure was that of a transaction which got in another's way: the same again may succeed.
  bool worth_retrying() const { return worth_retrying_ && !lost_; }

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  struct Clear {
    void operator()(pg_result* result) const;
  };
  using Answer = std::unique_ptr<pg_result, Clear>;

  explicit PostgresConnection(std::unique_ptr<pg_conn, Finish> connection)
      : connection_{std::move(connection)} {}
  Result<std::string> prepared(std::string_view sql);
  Status check(const pg_result* answer, std::string_view sql);

  std::unique_ptr<pg_conn, Finish> connection_;
  std::unordered_map<std::string, std::string> statements_;  // text to name
  bool lost_ = false;
  bool worth_retrying_ = false;
};

}  // namespace sealift::sql
