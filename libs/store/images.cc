// SPDX-License-Identifier: Apache-2.0
#include "store/images.h"

#include "store/sql/database.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

constexpr const char* kImage = "image";

Result<ImageState> read_state(sql::Row& row) {
  const auto stored = row.integer();
  for (const auto state : {ImageState::uploading, ImageState::ready, ImageState::deleting}) {
    if (static_cast<std::int64_t>(state) == stored) return state;
  }
  return fail(ErrorCode::internal, "an image in the database has a state that nobody knows", "state");
}

Result<ImageRecord> read_image(sql::Row& row) {
  ImageRecord record;
  record.tenant = row.text();
  record.image_id = row.text();
  SEALIFT_TRY(record.state, read_state(row));
  record.manifest = row.bytes();
  record.created_at = row.integer();
  record.version = row.integer();
  return record;
}

class SqlImageStore final : public ImageStore {
 public:
  explicit SqlImageStore(sql::Database& database) : database_{database} {}

  Status create(const ImageRecord& record) override {
    return sql::done(
        database_.write("INSERT INTO images(tenant, image_id, state, manifest, created_at, version) "
                        "VALUES($1, $2, $3, $4, $5, 1)",
                        {record.tenant, record.image_id, static_cast<std::int64_t>(record.state),
                         record.manifest, record.created_at}));
  }

  Result<ImageRecord> get(const std::string& tenant, const std::string& image_id) override {
    return sql::only(
        database_.read("SELECT tenant, image_id, state, manifest, created_at, version FROM images "
                       "WHERE tenant = $1 AND image_id = $2",
                       {tenant, image_id}),
        read_image, kImage);
  }

  Result<std::vector<ImageRecord>> list(const std::string& tenant, const std::string& after,
                                        int limit) override {
    return sql::all(
        database_.read("SELECT tenant, image_id, state, manifest, created_at, version FROM images "
                       "WHERE tenant = $1 AND image_id > $2 ORDER BY image_id LIMIT $3",
                       {tenant, after, sql::page(limit)}),
        read_image);
  }

  Result<std::int64_t> update(const ImageRecord& record) override {
    return sql::new_version(
        database_.write("UPDATE images SET state = $4, manifest = $5, version = version + 1 "
                        "WHERE tenant = $1 AND image_id = $2 AND version = $3 RETURNING version",
                        {record.tenant, record.image_id, record.version,
                         static_cast<std::int64_t>(record.state), record.manifest}),
        kImage, [&] { return get(record.tenant, record.image_id); });
  }

  Status remove(const std::string& tenant, const std::string& image_id) override {
    return sql::done(
        database_.write("DELETE FROM images WHERE tenant = $1 AND image_id = $2", {tenant, image_id}));
  }

 private:
  sql::Database& database_;
};

}  // namespace

std::unique_ptr<ImageStore> make_image_store(sql::Database& database) {
  return std::make_unique<SqlImageStore>(database);
}

}  // namespace sealift::store
