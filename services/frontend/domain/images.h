// SPDX-License-Identifier: Apache-2.0
/// Tenants' images: announced, listed, deleted. An image of another tenant is not_found, as one that never
/// was.
///
/// Safe with any number of replicas, and with a kill at any place: what is half done is done again, or
/// undone, by the same request or by housekeeping.h.
#pragma once

#include <optional>

#include "base/clock.h"
#include "objects/object_store.h"
#include "sealift/v1/images.pb.h"
#include "services/frontend/domain/limits.h"
#include "services/frontend/domain/zone.h"
#include "store/images.h"
#include "store/object_uses.h"
#include "store/sealed_heads.h"

namespace sealift::frontend {

/// Seconds since 1970.
std::int64_t seconds_now(const Clock& clock);

/// Where images are kept. All outlive their users.
struct ImageStores {
  store::ImageStore& images;
  store::UploadStore& uploads;
  store::ObjectUseStore& uses;
  store::SealedHeadStore& sealed_heads;
  objects::ObjectStore& objects;
};

class Images {
 public:
  Images(ImageStores stores, const Clock& clock, const Limits& limits)
      : stores_{stores}, clock_{clock}, limits_{limits} {}

  /// The same announcement again: the image as it stands. conflict where there is another image of that name;
  /// resource_exhausted above the quota; read_announcement()'s errors.
  Result<v1::Image> create(const std::string& tenant, const v1::CreateImageRequest& request);
  Result<v1::Image> get(const std::string& tenant, const std::string& image_id);
  Result<v1::ListImagesResponse> list(const std::string& tenant, const v1::ListImagesRequest& request);
  /// failed_precondition while a launch of it is active.
  Status remove(Zone& zone, const std::string& tenant, const std::string& image_id);

  /// The image and its uploads, without asking the zone: where remove() began, or nothing came for long.
  Status drop(const store::ImageName& image);
  /// Removes objects that no image uses from the object store, at most `limit` of them.
  Status remove_unused_objects(int limit);

 private:
  Result<v1::Image> existing(const std::string& tenant, const std::string& image_id,
                             const v1::CreateImageRequest& request);
  Result<v1::Image> describe(const store::ImageRecord& image);

  ImageStores stores_;
  const Clock& clock_;
  const Limits& limits_;
};

/// not_found also where it is being deleted.
Result<store::ImageRecord> find_image(store::ImageStore& images, const std::string& tenant,
                                      const std::string& image_id);

}  // namespace sealift::frontend
