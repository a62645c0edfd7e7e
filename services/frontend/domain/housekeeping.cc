// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/housekeeping.h"

#include "services/frontend/domain/uploads.h"

namespace sealift::frontend {
namespace {

constexpr int kAtOnce = 1000;

void keep_first(Status& first, Status next) {
  if (first && !next) first = std::move(next);
}

}  // namespace

Status Housekeeping::run() {
  const auto now = seconds_now(clock_);
  const auto before = now - limits_.stale_upload.count();
  auto status = drop_abandoned_images(before);
  keep_first(status, drop_orphaned_uploads(before));
  keep_first(status, images_.remove_unused_objects(kAtOnce));
  const auto dropped = quotes_.drop_expired(now, kAtOnce);
  if (!dropped) keep_first(status, tl::unexpected(dropped.error()));
  return status;
}

Status Housekeeping::drop_abandoned_images(std::int64_t before) {
  SEALIFT_TRY(const auto images, stores_.images.list_abandoned(before, kAtOnce));
  Status status;
  for (const auto& image : images) keep_first(status, images_.drop(image));
  return status;
}

// The image's other files keep it: it is looked at again later.
Status Housekeeping::postpone(store::UploadRecord upload) {
  upload.updated_at = seconds_now(clock_);
  const auto updated = stores_.uploads.update(upload);
  // Changed meanwhile: then it is not stale.
  if (updated || updated.error().code == ErrorCode::conflict || updated.error().code == ErrorCode::not_found)
    return {};
  return tl::unexpected(updated.error());
}

// An upload outlives its image where a part arrived while the image was being deleted.
Status Housekeeping::drop_orphaned_uploads(std::int64_t before) {
  SEALIFT_TRY(const auto uploads, stores_.uploads.list_stale(before, kAtOnce));
  Status status;
  for (const auto& upload : uploads) {
    const auto image = find_image(stores_.images, upload.tenant, upload.image_id);
    if (image && image->state == store::ImageState::uploading) {
      keep_first(status, postpone(upload));
    } else if (image || image.error().code == ErrorCode::not_found) {
      keep_first(status, drop_upload(stores_.uploads, stores_.objects, upload));
    } else {
      keep_first(status, tl::unexpected(image.error()));
    }
  }
  return status;
}

}  // namespace sealift::frontend
