// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/images.h"

#include <algorithm>

#include "services/frontend/domain/announcement.h"
#include "services/frontend/domain/sealed_heads.h"
#include "services/frontend/domain/uploads.h"

namespace sealift::frontend {
namespace {

constexpr std::uint32_t kUsualPage = 100;
constexpr std::uint32_t kMaxPage = 1000;
constexpr int kMaxFiles = 1000;  // more than an image has

tl::unexpected<Error> fail_no_image() {
  return fail(ErrorCode::not_found, "there is no such image", "image_id");
}

store::ImageRecord to_record(const std::string& tenant, const Announcement& announcement, std::int64_t now) {
  const auto& manifest = announcement.manifest;
  store::ImageRecord record;
  record.tenant = tenant;
  record.image_id = manifest.image_id.hex();
  record.tee = manifest.tee;
  record.arch = manifest.arch;
  record.memory_mib = manifest.memory_mib;
  record.created_at = now;
  for (const auto& file : announcement.files)
    record.files.push_back({file.name, file.sha512, static_cast<std::int64_t>(file.size), false});
  return record;
}

bool is_active(const v1::Launch& launch) {
  return launch.state() != v1::Launch::STATE_ENDED && launch.state() != v1::Launch::STATE_REFUSED;
}

Status check_not_active(Zone& zone, const std::string& tenant, const std::string& image_id) {
  for (std::string after;;) {
    SEALIFT_TRY(const auto page, zone.list_launches(tenant, after));
    for (const auto& launch : page.launches()) {
      if (launch.image_id() == image_id && is_active(launch))
        return fail(ErrorCode::failed_precondition,
                    "launch " + launch.launch_id() + " of this image has not ended: stop it first",
                    "image_id");
      after = launch.launch_id();
    }
    if (!page.more() || page.launches().empty()) return {};
  }
}

}  // namespace

std::int64_t seconds_now(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::seconds>(clock.now().time_since_epoch()).count();
}

Result<store::ImageRecord> find_image(store::ImageStore& images, const std::string& tenant,
                                      const std::string& image_id) {
  auto image = images.get(tenant, image_id);
  const bool missing =
      image ? image->state == store::ImageState::deleting : image.error().code == ErrorCode::not_found;
  if (missing) return fail_no_image();
  return image;
}

Result<v1::Image> Images::create(const std::string& tenant, const v1::CreateImageRequest& request) {
  SEALIFT_TRY(const auto announcement, read_announcement(request));
  const auto record = to_record(tenant, announcement, seconds_now(clock_));
  const auto document = to_document(request).SerializeAsString();
  const store::ImageQuota quota{static_cast<std::int64_t>(limits_.images),
                                static_cast<std::int64_t>(limits_.image_bytes)};
  const auto created = stores_.images.create(record, to_bytes(as_bytes(document)), quota);
  if (created) return describe(*created);
  if (created.error().code == ErrorCode::already_exists) return existing(tenant, record.image_id, request);
  return tl::unexpected(created.error());
}

Result<v1::Image> Images::existing(const std::string& tenant, const std::string& image_id,
                                   const v1::CreateImageRequest& request) {
  const auto image = find_image(stores_.images, tenant, image_id);
  if (!image && image.error().code == ErrorCode::not_found)
    return fail(ErrorCode::unavailable, "the image of this name is just being deleted: try again",
                "image_id");
  if (!image) return tl::unexpected(image.error());
  SEALIFT_TRY(const auto kept, stores_.images.document(tenant, image_id));
  SEALIFT_TRY(const auto document, read_document(kept));
  if (is_same_image(document, request)) return describe(*image);
  return fail(ErrorCode::conflict, "another image of this name is here: delete it first, or build a new one",
              "image_id");
}

Result<v1::Image> Images::get(const std::string& tenant, const std::string& image_id) {
  SEALIFT_TRY(const auto image, find_image(stores_.images, tenant, image_id));
  return describe(image);
}

Result<v1::ListImagesResponse> Images::list(const std::string& tenant, const v1::ListImagesRequest& request) {
  const auto limit =
      static_cast<int>(request.limit() == 0 ? kUsualPage : std::min(request.limit(), kMaxPage));
  SEALIFT_TRY(const auto records, stores_.images.list(tenant, request.after(), limit));
  v1::ListImagesResponse response;
  for (const auto& record : records) {
    if (record.state == store::ImageState::deleting) continue;
    SEALIFT_TRY(*response.add_images(), describe(record));
  }
  response.set_more(records.size() == static_cast<std::size_t>(limit));
  return response;
}

Result<v1::Image> Images::describe(const store::ImageRecord& image) {
  v1::Image description;
  description.set_image_id(image.image_id);
  description.set_state(image.state == store::ImageState::ready ? v1::Image::STATE_READY
                                                                : v1::Image::STATE_UPLOADING);
  description.set_tee(image.tee);
  description.set_arch(image.arch);
  description.set_memory_mib(static_cast<std::uint32_t>(image.memory_mib));
  description.set_created_at(image.created_at);
  std::vector<store::UploadRecord> uploads;
  if (image.state == store::ImageState::uploading) {
    SEALIFT_TRY(uploads, stores_.uploads.list_of_image(image.tenant, image.image_id, "", kMaxFiles));
  }
  for (const auto& file : image.files) {
    auto& described = *description.add_files();
    described.set_name(file.name);
    described.set_size(static_cast<std::uint64_t>(file.size));
    described.set_sha512(as_text(file.digest).data(), file.digest.size());
    described.set_complete(file.complete);
    const auto upload = std::ranges::find(uploads, file.name, &store::UploadRecord::file);
    const auto received = file.complete ? file.size : upload == uploads.end() ? 0 : upload->received;
    described.set_received(static_cast<std::uint64_t>(received));
  }
  return description;
}

Status Images::remove(Zone& zone, const std::string& tenant, const std::string& image_id) {
  SEALIFT_TRY(const auto image, find_image(stores_.images, tenant, image_id));
  if (image.state == store::ImageState::ready) SEALIFT_CHECK(check_not_active(zone, tenant, image_id));
  SEALIFT_CHECK(drop({tenant, image_id}));
  // Housekeeping goes on with what fails here: the image is gone.
  static_cast<void>(remove_unused_objects(static_cast<int>(image.files.size())));
  return {};
}

Status Images::drop(const store::ImageName& image) {
  const auto begun = stores_.images.begin_deletion(image.tenant, image.image_id);
  if (!begun && begun.error().code == ErrorCode::not_found) return {};  // another replica was quicker
  SEALIFT_CHECK(begun);
  SEALIFT_TRY(const auto uploads, stores_.uploads.list_of_image(image.tenant, image.image_id, "", kMaxFiles));
  SEALIFT_CHECK(SealedHeads(stores_.sealed_heads, stores_.images, stores_.objects, clock_).drop(image));
  for (const auto& upload : uploads) SEALIFT_CHECK(drop_upload(stores_.uploads, stores_.objects, upload));
  return stores_.images.remove(image.tenant, image.image_id);
}

Status Images::remove_unused_objects(int limit) {
  const auto until = seconds_now(clock_) + limits_.removal.count();
  SEALIFT_TRY(const auto digests, stores_.uses.claim_unused(seconds_now(clock_), until, limit));
  for (const auto& digest : digests) {
    SEALIFT_CHECK(stores_.objects.remove(objects::ObjectKey::content(crypto::Digest{digest})));
    SEALIFT_CHECK(stores_.uses.removed(digest, until));
  }
  return {};
}

}  // namespace sealift::frontend
