// SPDX-License-Identifier: Apache-2.0
#include "store/seeds.h"

#include "store/sql/database.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

constexpr const char* kSeed = "seed";

Result<SeedRecord> read_seed(sql::Row& row) {
  SeedRecord record;
  record.tenant = row.text();
  record.image_id = row.text();
  record.wrapped_seed = row.bytes();
  record.metadata = row.bytes();
  record.created_at = row.integer();
  record.version = row.integer();
  return record;
}

class SqlSeedStore final : public SeedStore {
 public:
  explicit SqlSeedStore(sql::Database& database) : database_{database} {}

  Status create(const SeedRecord& record) override {
    return sql::done(database_.write(
        "INSERT INTO seeds(tenant, image_id, wrapped_seed, metadata, created_at, version) "
        "VALUES($1, $2, $3, $4, $5, 1)",
        {record.tenant, record.image_id, record.wrapped_seed, record.metadata, record.created_at}));
  }

  Result<SeedRecord> get(const std::string& tenant, const std::string& image_id) override {
    return sql::only(
        database_.read("SELECT tenant, image_id, wrapped_seed, metadata, created_at, version FROM seeds "
                       "WHERE tenant = $1 AND image_id = $2",
                       {tenant, image_id}),
        read_seed, kSeed);
  }

  Result<std::vector<SeedRecord>> list(const std::string& tenant, const std::string& after,
                                       int limit) override {
    return sql::all(
        database_.read("SELECT tenant, image_id, wrapped_seed, metadata, created_at, version FROM seeds "
                       "WHERE tenant = $1 AND image_id > $2 ORDER BY image_id LIMIT $3",
                       {tenant, after, sql::page(limit)}),
        read_seed);
  }

  Result<std::int64_t> update(const SeedRecord& record) override {
    return sql::new_version(
        database_.write(
            "UPDATE seeds SET wrapped_seed = $4, metadata = $5, version = version + 1 "
            "WHERE tenant = $1 AND image_id = $2 AND version = $3 RETURNING version",
            {record.tenant, record.image_id, record.version, record.wrapped_seed, record.metadata}),
        kSeed, [&] { return get(record.tenant, record.image_id); });
  }

  Status remove(const std::string& tenant, const std::string& image_id) override {
    return sql::done(
        database_.write("DELETE FROM seeds WHERE tenant = $1 AND image_id = $2", {tenant, image_id}));
  }

 private:
  sql::Database& database_;
};

}  // namespace

std::unique_ptr<SeedStore> make_seed_store(sql::Database& database) {
  return std::make_unique<SqlSeedStore>(database);
}

}  // namespace sealift::store
