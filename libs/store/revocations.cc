// SPDX-License-Identifier: Apache-2.0
#include "store/revocations.h"

#include <algorithm>
#include <cassert>

#include "store/sql/database.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

constexpr std::size_t kMostKeys = 3;

Result<RevocationRecord> read_revocation(sql::Row& row) {
  RevocationRecord record;
  record.tenant = row.text();
  record.key.kind = row.integer();
  record.key.subject = row.bytes();
  record.document = row.bytes();
  record.revoked_at = row.integer();
  return record;
}

class SqlRevocationStore final : public RevocationStore {
 public:
  explicit SqlRevocationStore(sql::Database& database) : database_{database} {}

  Status put(const RevocationRecord& record) override {
    return sql::done(database_.write(
        "INSERT INTO revocations(tenant, kind, subject, document, revoked_at) VALUES($1, $2, $3, $4, $5) "
        "ON CONFLICT(tenant, kind, subject) DO NOTHING",
        {record.tenant, record.key.kind, record.key.subject, record.document, record.revoked_at}));
  }

  Result<std::int64_t> find(const std::string& tenant, const std::vector<RevocationKey>& keys) override {
    assert(keys.size() <= kMostKeys);
    static const RevocationKey nothing;
    const auto at = [&](std::size_t i) -> const RevocationKey& {
      return i < keys.size() ? keys[i] : nothing;
    };
    SEALIFT_TRY(const auto kinds,
                sql::all(database_.read("SELECT kind FROM revocations WHERE tenant = $1 AND "
                                        "((kind = $2 AND subject = $3) OR (kind = $4 AND subject = $5) OR "
                                        "(kind = $6 AND subject = $7))",
                                        {tenant, at(0).kind, at(0).subject, at(1).kind, at(1).subject,
                                         at(2).kind, at(2).subject}),
                         sql::read_integer));
    for (const auto& key : keys) {
      if (std::ranges::find(kinds, key.kind) != kinds.end()) return key.kind;
    }
    return 0;
  }

  Result<std::vector<RevocationRecord>> list(const std::string& tenant, const RevocationKey& after,
                                             int limit) override {
    return sql::all(
        database_.read("SELECT tenant, kind, subject, document, revoked_at FROM revocations "
                       "WHERE tenant = $1 AND (kind, subject) > ($2, $3) ORDER BY kind, subject LIMIT $4",
                       {tenant, after.kind, after.subject, sql::page(limit)}),
        read_revocation);
  }

  Status remove(const std::string& tenant, const RevocationKey& key) override {
    return sql::done(
        database_.write("DELETE FROM revocations WHERE tenant = $1 AND kind = $2 AND subject = $3",
                        {tenant, key.kind, key.subject}));
  }

 private:
  sql::Database& database_;
};

}  // namespace

std::unique_ptr<RevocationStore> make_revocation_store(sql::Database& database) {
  return std::make_unique<SqlRevocationStore>(database);
}

}  // namespace sealift::store
