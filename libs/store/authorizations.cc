// SPDX-License-Identifier: Apache-2.0
#include "store/seeds.h"
#include "store/sql/database.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

Result<AuthorizationRecord> read_authorization(sql::Row& row) {
  AuthorizationRecord record;
  record.tenant = row.text();
  record.image_id = row.text();
  record.storage_key_name = row.bytes();
  record.policy = row.bytes();
  record.sealed_data = row.bytes();
  record.created_at = row.integer();
  return record;
}

Result<AuthorizationRecord> stored(Result<sql::Rows> rows) {
  return sql::only(std::move(rows), read_authorization, "authorization");
}

constexpr std::string_view kGet =
    "SELECT tenant, image_id, storage_key_name, policy, sealed_data, created_at FROM authorizations "
    "WHERE tenant = $1 AND image_id = $2 AND storage_key_name = $3 AND policy = $4";

constexpr std::string_view kInsert =
    "INSERT INTO authorizations(tenant, image_id, storage_key_name, policy, sealed_data, created_at) "
    "VALUES($1, $2, $3, $4, $5, $6)";
constexpr std::string_view kCount =
    "SELECT count(*) FROM (SELECT 1 FROM authorizations WHERE tenant = $1 AND image_id = $2 "
    "LIMIT $3) AS counted";

class SqlAuthorizationStore final : public AuthorizationStore {
 public:
  explicit SqlAuthorizationStore(sql::Database& database) : database_{database} {}

  Result<AuthorizationRecord> put_if_absent(const AuthorizationRecord& record) override {
    const auto put = [&](sql::Transaction& transaction) -> Result<AuthorizationRecord> {
      SEALIFT_CHECK(transaction.run(
          std::string{kInsert} + " ON CONFLICT(tenant, image_id, storage_key_name, policy) DO NOTHING",
          {record.tenant, record.image_id, record.storage_key_name, record.policy, record.sealed_data,
           record.created_at}));
      return stored(
          transaction.run(kGet, {record.tenant, record.image_id, record.storage_key_name, record.policy}));
    };
    return sql::in_transaction(database_, put, &sql::Database::transact_soon);
  }

  Result<AuthorizationRecord> put_if_room(const AuthorizationRecord& record, std::int64_t maximum) override {
    const auto put = [&](sql::Transaction& transaction) -> Result<AuthorizationRecord> {
      // It changes nothing, and holds the row: others of this image wait here.
      SEALIFT_CHECK(transaction.run("UPDATE seeds SET version = version WHERE tenant = $1 AND image_id = $2",
                                    {record.tenant, record.image_id}));
      SEALIFT_TRY(auto earlier, sql::maybe(transaction.run(kGet, {record.tenant, record.image_id,
                                                                  record.storage_key_name, record.policy}),
                                           read_authorization));
      if (earlier) return *std::move(earlier);
      SEALIFT_TRY(const auto made,
                  sql::only<std::int64_t>(transaction.run(kCount, {record.tenant, record.image_id, maximum}),
                                          sql::read_integer, "count"));
      if (made >= maximum)
        return fail(ErrorCode::resource_exhausted, "the image has as many authorizations as it may",
                    "maximum");
      SEALIFT_CHECK(transaction.run(kInsert, {record.tenant, record.image_id, record.storage_key_name,
                                              record.policy, record.sealed_data, record.created_at}));
      return record;
    };
    return sql::in_transaction(database_, put, &sql::Database::transact_soon);
  }

  Result<AuthorizationRecord> get(const std::string& tenant, const std::string& image_id,
                                  const AuthorizationKey& key) override {
    return stored(database_.read(kGet, {tenant, image_id, key.storage_key_name, key.policy}));
  }

  Result<std::vector<AuthorizationRecord>> list_of_image(const std::string& tenant,
                                                         const std::string& image_id,
                                                         const AuthorizationKey& after, int limit) override {
    return sql::all(
        database_.read("SELECT tenant, image_id, storage_key_name, policy, sealed_data, created_at "
                       "FROM authorizations WHERE tenant = $1 AND image_id = $2 "
                       "AND (storage_key_name, policy) > ($3, $4) ORDER BY storage_key_name, policy LIMIT $5",
                       {tenant, image_id, after.storage_key_name, after.policy, sql::page(limit)}),
        read_authorization);
  }

  Result<std::int64_t> count_of_image(const std::string& tenant, const std::string& image_id,
                                      std::int64_t limit) override {
    return sql::only<std::int64_t>(database_.read(kCount, {tenant, image_id, limit}), sql::read_integer,
                                   "count");
  }

  Result<std::int64_t> remove_of_image(const std::string& tenant, const std::string& image_id,
                                       int limit) override {
    return sql::count(
        database_.write("DELETE FROM authorizations WHERE (tenant, image_id, storage_key_name, policy) IN "
                        "(SELECT tenant, image_id, storage_key_name, policy FROM authorizations "
                        "WHERE tenant = $1 AND image_id = $2 LIMIT $3) RETURNING 1",
                        {tenant, image_id, sql::page(limit)}));
  }

  Result<std::int64_t> remove_of_host(const std::string& tenant, const Bytes& storage_key_name,
                                      int limit) override {
    return sql::count(
        database_.write("DELETE FROM authorizations WHERE (tenant, image_id, storage_key_name, policy) IN "
                        "(SELECT tenant, image_id, storage_key_name, policy FROM authorizations "
                        "WHERE tenant = $1 AND storage_key_name = $2 LIMIT $3) RETURNING 1",
                        {tenant, storage_key_name, sql::page(limit)}));
  }

 private:
  sql::Database& database_;
};

}  // namespace

std::unique_ptr<AuthorizationStore> make_authorization_store(sql::Database& database) {
  return std::make_unique<SqlAuthorizationStore>(database);
}

}  // namespace sealift::store
