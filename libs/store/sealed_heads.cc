// SPDX-License-Identifier: Apache-2.0
#include "store/sealed_heads.h"

#include "store/images.h"
#include "store/sql/database.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

Result<SealedHeadRecord> read_head(sql::Row& row) {
  SealedHeadRecord record;
  record.tenant = row.text();
  record.image_id = row.text();
  record.set = row.text();
  record.document = row.bytes();
  return record;
}

class SqlSealedHeadStore final : public SealedHeadStore {
 public:
  explicit SqlSealedHeadStore(sql::Database& database) : database_{database} {}

  Status put(const SealedHeadRecord& record, const Bytes& before) override {
    return database_.transact([&](sql::Transaction& transaction) -> Status {
      // The row is locked, so that no head is left behind by an image that is being deleted.
      SEALIFT_TRY(
          const auto image,
          transaction.run("UPDATE images SET state = state WHERE tenant = $1 AND image_id = $2 AND "
                          "state <> $3 RETURNING 1",
                          {record.tenant, record.image_id, static_cast<std::int64_t>(ImageState::deleting)}));
      if (image.empty()) return fail(ErrorCode::not_found, "there is no such image", "image_id");
      SEALIFT_TRY(
          const auto put,
          before.empty()
              ? transaction.run("INSERT INTO sealed_heads(tenant, image_id, host_set, document) "
                                "VALUES($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING 1",
                                {record.tenant, record.image_id, record.set, record.document})
              : transaction.run("UPDATE sealed_heads SET document = $4 WHERE tenant = $1 AND "
                                "image_id = $2 AND host_set = $3 AND document = $5 RETURNING 1",
                                {record.tenant, record.image_id, record.set, record.document, before}));
      if (!put.empty()) return {};
      return fail(ErrorCode::conflict, "the sealed head was changed meanwhile", "set");
    });
  }

  Result<std::optional<SealedHeadRecord>> get(const std::string& tenant, const std::string& image_id,
                                              const std::string& set) override {
    return sql::maybe(database_.read("SELECT tenant, image_id, host_set, document FROM sealed_heads "
                                     "WHERE tenant = $1 AND image_id = $2 AND host_set = $3",
                                     {tenant, image_id, set}),
                      read_head);
  }

  Result<std::vector<SealedHeadRecord>> list(const std::string& tenant, const std::string& image_id,
                                             const std::string& set, int limit) override {
    return sql::all(
        database_.read("SELECT tenant, image_id, host_set, document FROM sealed_heads WHERE tenant = $1 AND "
                       "(image_id, host_set) > ($2, $3) ORDER BY image_id, host_set LIMIT $4",
                       {tenant, image_id, set, sql::page(limit)}),
        read_head);
  }

  Result<std::vector<SealedHeadRecord>> list_of_image(const std::string& tenant, const std::string& image_id,
                                                      int limit) override {
    return sql::all(
        database_.read("SELECT tenant, image_id, host_set, document FROM sealed_heads WHERE tenant = $1 AND "
                       "image_id = $2 ORDER BY host_set LIMIT $3",
                       {tenant, image_id, sql::page(limit)}),
        read_head);
  }

  Result<std::optional<SealedHeadRecord>> remove(const std::string& tenant, const std::string& image_id,
                                                 const std::string& set) override {
    return sql::maybe(
        database_.write("DELETE FROM sealed_heads WHERE tenant = $1 AND image_id = $2 AND host_set = $3 "
                        "RETURNING tenant, image_id, host_set, document",
                        {tenant, image_id, set}),
        read_head);
  }

 private:
  sql::Database& database_;
};

}  // namespace

std::unique_ptr<SealedHeadStore> make_sealed_head_store(sql::Database& database) {
  return std::make_unique<SqlSealedHeadStore>(database);
}

}  // namespace sealift::store
