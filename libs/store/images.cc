// SPDX-License-Identifier: Apache-2.0
#include "store/images.h"

#include <fmt/core.h>

#include "store/image_rows.h"
#include "store/object_counts.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

// ImageState::uploading, ready and deleting are 0, 1 and 2 in the statements.

Result<Bytes> read_bytes(sql::Row& row) { return row.bytes(); }

Result<ImageName> read_name(sql::Row& row) {
  ImageName name;
  name.tenant = row.text();
  name.image_id = row.text();
  return name;
}

std::vector<Bytes> digests_of(const ImageRecord& image) {
  std::vector<Bytes> digests;
  for (const auto& file : image.files) digests.push_back(file.digest);
  return digests;
}

std::int64_t size_of(const ImageRecord& image) {
  std::int64_t size = 0;
  for (const auto& file : image.files) size += file.size;
  return size;
}

Status insert(sql::Transaction& transaction, const ImageRecord& record, const Bytes& document) {
  SEALIFT_TRY(const auto added,
              transaction.run("INSERT INTO images(tenant, image_id, state, tee, arch, memory_mib, document, "
                              "created_at, touched_at) VALUES($1, $2, 0, $3, $4, $5, $6, $7, $7) "
                              "ON CONFLICT(tenant, image_id) DO NOTHING RETURNING state",
                              {record.tenant, record.image_id, record.tee, record.arch, record.memory_mib,
                               document, record.created_at}));
  if (!added.empty()) return {};
  return fail(ErrorCode::already_exists, "there is an image of this name", "image");
}

/// The tenant's row is locked from here on: two images cannot both be the last one allowed.
Status count_image(sql::Transaction& transaction, const ImageRecord& record, const ImageQuota& quota) {
  SEALIFT_CHECK(
      transaction.run("INSERT INTO tenant_images(tenant, images, bytes) VALUES($1, 0, 0) "
                      "ON CONFLICT(tenant) DO NOTHING",
                      {record.tenant}));
  SEALIFT_TRY(const auto counted,
              transaction.run("UPDATE tenant_images SET images = images + 1, bytes = bytes + $2 "
                              "WHERE tenant = $1 AND images < $3 AND bytes + $2 <= $4 RETURNING images",
                              {record.tenant, size_of(record), quota.images, quota.bytes}));
  if (!counted.empty()) return {};
  return fail(ErrorCode::resource_exhausted,
              fmt::format("a tenant may have {} images with {} bytes in all, and this would be more",
                          quota.images, quota.bytes),
              "quota");
}

Result<bool> has_complete(sql::Transaction& transaction, const std::string& tenant, const ImageFile& file) {
  SEALIFT_TRY(const auto found,
              transaction.run("SELECT 1 FROM image_files "
                              "WHERE tenant = $1 AND digest = $2 AND complete = 1 AND size = $3 LIMIT 1",
                              {tenant, file.digest, file.size}));
  return !found.empty();
}

/// After add_uses(): it made whoever ends the last use of such an object wait, or waited for them.
Status insert_files(sql::Transaction& transaction, const ImageRecord& record) {
  std::int64_t position = 0;
  for (const auto& file : record.files) {
    SEALIFT_TRY(const bool complete, has_complete(transaction, record.tenant, file));
    SEALIFT_CHECK(
        transaction.run("INSERT INTO image_files(tenant, image_id, position, name, digest, size, complete) "
                        "VALUES($1, $2, $3, $4, $5, $6, $7)",
                        {record.tenant, record.image_id, position++, file.name, file.digest, file.size,
                         std::int64_t{complete}}));
  }
  return {};
}

/// The image as it is, ready if no file is missing. Its row is locked already.
Result<ImageRecord> settle(sql::Transaction& transaction, const std::string& tenant,
                           const std::string& image_id) {
  SEALIFT_TRY(const auto missing,
              transaction.run("SELECT 1 FROM image_files "
                              "WHERE tenant = $1 AND image_id = $2 AND complete = 0 LIMIT 1",
                              {tenant, image_id}));
  if (missing.empty()) {
    SEALIFT_CHECK(transaction.run("UPDATE images SET state = 1 WHERE tenant = $1 AND image_id = $2",
                                  {tenant, image_id}));
  }
  return read_image_with_files(transaction.run(kImageWithFiles, {tenant, image_id}));
}

class SqlImageStore final : public ImageStore {
 public:
  explicit SqlImageStore(sql::Database& database) : database_{database} {}

  Result<ImageRecord> create(const ImageRecord& record, const Bytes& document,
                             const ImageQuota& quota) override {
    return sql::in_transaction(database_, [&](sql::Transaction& transaction) -> Result<ImageRecord> {
      SEALIFT_CHECK(insert(transaction, record, document));
      SEALIFT_CHECK(count_image(transaction, record, quota));
      SEALIFT_CHECK(add_uses(transaction, digests_of(record)));
      SEALIFT_CHECK(insert_files(transaction, record));
      return settle(transaction, record.tenant, record.image_id);
    });
  }

  Result<ImageRecord> get(const std::string& tenant, const std::string& image_id) override {
    return read_image_with_files(database_.read(kImageWithFiles, {tenant, image_id}));
  }

  Result<Bytes> document(const std::string& tenant, const std::string& image_id) override {
    return sql::only(
        database_.read("SELECT document FROM images WHERE tenant = $1 AND image_id = $2", {tenant, image_id}),
        read_bytes, "image");
  }

  Result<std::vector<ImageRecord>> list(const std::string& tenant, const std::string& after,
                                        int limit) override {
    static const auto kSql =
        fmt::format("SELECT {} FROM images WHERE tenant = $1 AND image_id > $2 ORDER BY image_id LIMIT $3",
                    kImageColumns);
    SEALIFT_TRY(auto images, sql::all(database_.read(kSql, {tenant, after, sql::page(limit)}), read_image));
    if (images.empty()) return images;
    SEALIFT_CHECK(
        read_files(database_.read(kFilesOfImages, {tenant, after, images.back().image_id}), images));
    return images;
  }

  Status touch(const std::string& tenant, const std::string& image_id, std::int64_t now) override {
    return sql::done(
        database_.write("UPDATE images SET touched_at = $3 WHERE tenant = $1 AND image_id = $2 AND state = 0",
                        {tenant, image_id, now}));
  }

  Result<ImageRecord> complete_file(const std::string& tenant, const std::string& image_id,
                                    const std::string& file) override {
    return sql::in_transaction(database_, [&](sql::Transaction& transaction) -> Result<ImageRecord> {
      // Locks the row: of two files that are complete at once, one sees that it is the last.
      SEALIFT_TRY(const auto image,
                  transaction.run("UPDATE images SET state = state "
                                  "WHERE tenant = $1 AND image_id = $2 AND state <> 2 RETURNING state",
                                  {tenant, image_id}));
      if (image.empty()) return fail(ErrorCode::not_found, "there is no such image", "image");
      SEALIFT_TRY(const auto completed,
                  transaction.run("UPDATE image_files SET complete = 1 "
                                  "WHERE tenant = $1 AND image_id = $2 AND name = $3 RETURNING position",
                                  {tenant, image_id, file}));
      if (completed.empty()) return fail(ErrorCode::not_found, "the image has no such file", "file");
      return settle(transaction, tenant, image_id);
    });
  }

  Status begin_deletion(const std::string& tenant, const std::string& image_id) override {
    // touched_at 0: whatever age somebody asks for, it is abandoned.
    SEALIFT_TRY(const auto begun, database_.write("UPDATE images SET state = 2, touched_at = 0 "
                                                  "WHERE tenant = $1 AND image_id = $2 RETURNING state",
                                                  {tenant, image_id}));
    if (begun.empty()) return fail(ErrorCode::not_found, "there is no such image", "image");
    return {};
  }

  Result<std::vector<ImageName>> list_abandoned(std::int64_t before, int limit) override {
    return sql::all(database_.read("SELECT tenant, image_id FROM images WHERE state <> 1 AND touched_at < $1 "
                                   "ORDER BY touched_at, tenant, image_id LIMIT $2",
                                   {before, sql::page(limit)}),
                    read_name);
  }

  Status remove(const std::string& tenant, const std::string& image_id) override {
    return database_.transact([&](sql::Transaction& transaction) -> Status {
      const sql::Args name{tenant, image_id};
      SEALIFT_TRY(const auto locked,
                  transaction.run("UPDATE images SET state = state "
                                  "WHERE tenant = $1 AND image_id = $2 AND state = 2 RETURNING state",
                                  name));
      if (locked.empty()) return {};
      SEALIFT_TRY(const auto image, read_image_with_files(transaction.run(kImageWithFiles, name)));
      SEALIFT_CHECK(
          transaction.run("UPDATE tenant_images SET images = images - 1, bytes = bytes - $2 "
                          "WHERE tenant = $1",
                          {tenant, size_of(image)}));
      SEALIFT_CHECK(end_uses(transaction, digests_of(image)));
      SEALIFT_CHECK(transaction.run("DELETE FROM image_files WHERE tenant = $1 AND image_id = $2", name));
      return sql::done(transaction.run("DELETE FROM images WHERE tenant = $1 AND image_id = $2", name));
    });
  }

 private:
  sql::Database& database_;
};

}  // namespace

std::unique_ptr<ImageStore> make_image_store(sql::Database& database) {
  return std::make_unique<SqlImageStore>(database);
}

}  // namespace sealift::store
