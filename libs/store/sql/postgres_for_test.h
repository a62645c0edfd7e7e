// SPDX-License-Identifier: Apache-2.0
/// For tests: a PostgreSQL server of one's own, from Debian's package, on a Unix socket in a temporary
/// directory. Root runs it as `postgres`, anybody else as themselves. It ends with its owner, also when that
/// is killed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/process.h"

namespace sealift::sql {

class PostgresForTest {
 public:
  enum class Disk { relaxed, durable };  ///< relaxed: no fsync, for speed
  /// `settings`: more of them, "name=value". dependency_missing where PostgreSQL is not installed.
  static Result<std::unique_ptr<PostgresForTest>> start(Disk disk = Disk::relaxed,
                                                        std::vector<std::string> settings = {});
  ~PostgresForTest();
  PostgresForTest(const PostgresForTest&) = delete;
  PostgresForTest& operator=(const PostgresForTest&) = delete;

  /// A URL for an empty database that nobody else has.
  Result<std::string> new_database();
  /// For its superuser, through its Unix socket.
  std::string conninfo() const;
  /// As an administrator does: connections end, then the server.
  Status stop();
  Status start_again();

 private:
  PostgresForTest(TemporaryDirectory directory, Disk disk, std::vector<std::string> settings)
      : directory_{std::move(directory)}, disk_{disk}, settings_{std::move(settings)} {}
  Status make_cluster();
  Status accept_connections();

  TemporaryDirectory directory_;
  Disk disk_;
  std::vector<std::string> settings_;
  Child server_{-1};
  int databases_ = 0;
};

}  // namespace sealift::sql
