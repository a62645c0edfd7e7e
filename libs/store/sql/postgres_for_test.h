// SPDX-License-Identifier: Apache-2.0
/// For tests: a PostgreSQL server of one's own, from Debian's package, on a Unix socket in a temporary
/// directory. Root runs it as `postgres`, anybody else as themselves. It ends with its owner, also when that
/// is killed.
#pragma once

#include <memory>
#include <string>

#include "base/file.h"
#include "base/process.h"

namespace sealift::sql {

class PostgresForTest {
 public:
  enum class Disk { relaxed, durable };  ///< relaxed: no fsync, for speed
  /// dependency_missing where PostgreSQL is not installed.
  static Result<std::unique_ptr<PostgresForTest>> start(Disk disk = Disk::relaxed);
  ~PostgresForTest();
  PostgresForTest(const PostgresForTest&) = delete;
  PostgresForTest& operator=(const PostgresForTest&) = delete;

  /// A URL for an empty database that nobody else has.
  Result<std::string> new_database();
  /// As an administrator does: connections end, then the server.
  Status stop();
  Status start_again();

 private:
  PostgresForTest(TemporaryDirectory directory, Disk disk) : directory_{std::move(directory)}, disk_{disk} {}
  Status make_cluster();
  Status accept_connections();
  std::string conninfo() const;

  TemporaryDirectory directory_;
  Disk disk_;
  Child server_{-1};
  int databases_ = 0;
};

}  // namespace sealift::sql
