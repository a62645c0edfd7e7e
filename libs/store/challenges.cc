// SPDX-License-Identifier: Apache-2.0
#include "store/enrolments.h"
#include "store/sql/database.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

Result<ChallengeRecord> read_challenge(sql::Row& row) {
  ChallengeRecord record;
  record.tenant = row.text();
  record.challenge_id = row.text();
  record.document = row.bytes();
  record.expires_at = row.integer();
  return record;
}

class SqlChallengeStore final : public ChallengeStore {
 public:
  explicit SqlChallengeStore(sql::Database& database) : database_{database} {}

  Status put(const ChallengeRecord& record) override {
    return sql::done(sql::write_soon(
        database_,
        "INSERT INTO challenges(tenant, challenge_id, document, expires_at) VALUES($1, $2, $3, $4)",
        {record.tenant, record.challenge_id, record.document, record.expires_at}));
  }

  Result<ChallengeRecord> take(const std::string& tenant, const std::string& challenge_id) override {
    return sql::only(sql::write_soon(database_,
                                     "DELETE FROM challenges WHERE tenant = $1 AND challenge_id = $2 "
                                     "RETURNING tenant, challenge_id, document, expires_at",
                                     {tenant, challenge_id}),
                     read_challenge, "challenge");
  }

  Result<std::int64_t> count(const std::string& tenant, std::int64_t limit) override {
    return sql::only<std::int64_t>(
        database_.read(
            "SELECT count(*) FROM (SELECT 1 FROM challenges WHERE tenant = $1 LIMIT $2) AS counted",
            {tenant, limit}),
        sql::read_integer, "count");
  }

  Result<std::int64_t> drop_expired(std::int64_t now, int limit) override {
    return sql::count(sql::write_soon(
        database_,
        "DELETE FROM challenges WHERE (tenant, challenge_id) IN (SELECT tenant, challenge_id FROM challenges "
        "WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2) RETURNING 1",
        {now, sql::page(limit)}));
  }

 private:
  sql::Database& database_;
};

}  // namespace

std::unique_ptr<ChallengeStore> make_challenge_store(sql::Database& database) {
  return std::make_unique<SqlChallengeStore>(database);
}

}  // namespace sealift::store
