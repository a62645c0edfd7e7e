// SPDX-License-Identifier: Apache-2.0
#include "store/images.h"
#include "store/sql/database.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

constexpr const char* kUpload = "upload";

Result<UploadRecord> read_upload(sql::Row& row) {
  UploadRecord record;
  record.tenant = row.text();
  record.upload_id = row.text();
  record.image_id = row.text();
  record.file = row.text();
  record.digest = row.bytes();
  record.size = row.integer();
  record.received = row.integer();
  record.store_state = row.bytes();
  record.updated_at = row.integer();
  record.version = row.integer();
  return record;
}

class SqlUploadStore final : public UploadStore {
 public:
  explicit SqlUploadStore(sql::Database& database) : database_{database} {}

  Status create(const UploadRecord& record) override {
    return sql::done(
        database_.write("INSERT INTO uploads(tenant, upload_id, image_id, file, digest, size, received, "
                        "store_state, updated_at, "
                        "version) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)",
                        {record.tenant, record.upload_id, record.image_id, record.file, record.digest,
                         record.size, record.received, record.store_state, record.updated_at}));
  }

  Result<UploadRecord> get(const std::string& tenant, const std::string& upload_id) override {
    return sql::only(
        database_.read(
            "SELECT tenant, upload_id, image_id, file, digest, size, received, store_state, updated_at, "
            "version FROM uploads WHERE tenant = $1 AND upload_id = $2",
            {tenant, upload_id}),
        read_upload, kUpload);
  }

  Result<std::int64_t> update(const UploadRecord& record) override {
    return sql::new_version(
        database_.write(
            "UPDATE uploads SET received = $4, store_state = $5, updated_at = $6, version = version + 1 "
            "WHERE tenant = $1 AND upload_id = $2 AND version = $3 RETURNING version",
            {record.tenant, record.upload_id, record.version, record.received, record.store_state,
             record.updated_at}),
        kUpload, [&] { return get(record.tenant, record.upload_id); });
  }

  Status remove(const std::string& tenant, const std::string& upload_id) override {
    return sql::done(
        database_.write("DELETE FROM uploads WHERE tenant = $1 AND upload_id = $2", {tenant, upload_id}));
  }

  Result<std::vector<UploadRecord>> list_of_image(const std::string& tenant, const std::string& image_id,
                                                  const std::string& after, int limit) override {
    return sql::all(
        database_.read(
            "SELECT tenant, upload_id, image_id, file, digest, size, received, store_state, updated_at, "
            "version "
            "FROM uploads WHERE tenant = $1 AND image_id = $2 AND upload_id > $3 ORDER BY upload_id LIMIT $4",
            {tenant, image_id, after, sql::page(limit)}),
        read_upload);
  }

  Result<std::vector<UploadRecord>> list_stale(std::int64_t before, int limit) override {
    return sql::all(
        database_.read("SELECT tenant, upload_id, image_id, file, digest, size, received, store_state, "
                       "updated_at, version "
                       "FROM uploads WHERE updated_at < $1 ORDER BY updated_at, tenant, upload_id LIMIT $2",
                       {before, sql::page(limit)}),
        read_upload);
  }

 private:
  sql::Database& database_;
};

}  // namespace

std::unique_ptr<UploadStore> make_upload_store(sql::Database& database) {
  return std::make_unique<SqlUploadStore>(database);
}

}  // namespace sealift::store
