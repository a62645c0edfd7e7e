// SPDX-License-Identifier: Apache-2.0
/// The files of announced images, part by part into the object store.
///
/// What was acknowledged is durable: any replica goes on from there, also after a kill. A digest is checked
/// with the file's last part; nothing of a file can be used before.
#pragma once

#include "services/frontend/domain/images.h"

namespace sealift::frontend {

class Uploads {
 public:
  Uploads(ImageStores stores, const Clock& clock) : stores_{stores}, clock_{clock} {}

  /// A part that was received before is answered as it was then. not_found; invalid_argument where the bytes
  /// are no part of the file; failed_precondition where an earlier part is missing. object_differs, conflict:
  /// the file starts again at offset 0. unavailable, no_space, …: the same part again later.
  Result<v1::UploadPartResponse> put(const std::string& tenant, const v1::UploadPartRequest& request);

 private:
  Result<v1::UploadPartResponse> try_put(const std::string& tenant, const v1::UploadPartRequest& request);
  Result<store::UploadRecord> open(const store::ImageRecord& image, const store::ImageFile& file);
  Result<objects::UploadState> append(store::UploadRecord& upload, const objects::UploadState& state,
                                      const v1::UploadPartRequest& request);
  Status save(store::UploadRecord& upload, const objects::UploadState& state);
  Result<v1::UploadPartResponse> finish(store::UploadRecord& upload, const objects::UploadState& state);
  /// What the caller hears, after the file was begun again where that is what is needed.
  tl::unexpected<Error> failed(store::UploadRecord& upload, const objects::UploadState& state,
                               const Error& why);

  ImageStores stores_;
  const Clock& clock_;
};

/// Forgets the upload, here and in the object store.
Status drop_upload(store::UploadStore& uploads, objects::ObjectStore& objects,
                   const store::UploadRecord& upload);

}  // namespace sealift::frontend
