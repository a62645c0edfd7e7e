// SPDX-License-Identifier: Apache-2.0
#include "store/image_rows.h"

#include "store/sql/query.h"

namespace sealift::store {
namespace {

Result<ImageState> read_state(sql::Row& row) {
  const auto stored = row.integer();
  for (const auto state : {ImageState::uploading, ImageState::ready, ImageState::deleting}) {
    if (static_cast<std::int64_t>(state) == stored) return state;
  }
  return fail(ErrorCode::internal, "an image in the database has a state that nobody knows", "state");
}

ImageFile read_file(sql::Row& row) {
  ImageFile file;
  file.name = row.text();
  file.digest = row.bytes();
  file.size = row.integer();
  file.complete = row.flag();
  return file;
}

}  // namespace

const std::string kImageWithFiles =
    "SELECT images.tenant, images.image_id, state, tee, arch, memory_mib, created_at, name, digest, size, "
    "complete FROM images JOIN image_files "
    "ON image_files.tenant = images.tenant AND image_files.image_id = images.image_id "
    "WHERE images.tenant = $1 AND images.image_id = $2 ORDER BY position";

Result<ImageRecord> read_image(sql::Row& row) {
  ImageRecord record;
  record.tenant = row.text();
  record.image_id = row.text();
  SEALIFT_TRY(record.state, read_state(row));
  record.tee = row.text();
  record.arch = row.text();
  record.memory_mib = row.integer();
  record.created_at = row.integer();
  return record;
}

Result<ImageRecord> read_image_with_files(Result<sql::Rows> rows) {
  SEALIFT_TRY(auto found, std::move(rows));
  if (found.empty()) return fail(ErrorCode::not_found, "there is no such image", "image");
  ImageRecord image;
  std::vector<ImageFile> files;
  for (auto& row : found) {
    SEALIFT_TRY(image, read_image(row));
    files.push_back(read_file(row));
    SEALIFT_CHECK(row.finish());
  }
  image.files = std::move(files);
  return image;
}

Status read_files(Result<sql::Rows> rows, std::vector<ImageRecord>& images) {
  SEALIFT_TRY(auto found, std::move(rows));
  auto image = images.begin();
  for (auto& row : found) {
    const auto image_id = row.text();
    auto file = read_file(row);
    SEALIFT_CHECK(row.finish());
    while (image != images.end() && image->image_id < image_id) ++image;
    if (image != images.end() && image->image_id == image_id) image->files.push_back(std::move(file));
  }
  return {};
}

}  // namespace sealift::store
