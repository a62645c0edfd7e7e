// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/uploads.h"

#include <fmt/core.h>

#include <algorithm>

namespace sealift::frontend {
namespace {

constexpr int kTries = 5;

Status check_part(const store::ImageFile& file, const v1::UploadPartRequest& request) {
  const auto size = static_cast<std::uint64_t>(file.size);
  if (request.offset() >= size || request.offset() % objects::kPartSize != 0)
    return fail(ErrorCode::invalid_argument,
                fmt::format("no part of the {} begins at offset {}", file.name, request.offset()), "offset");
  const auto expected = std::min(objects::kPartSize, size - request.offset());
  if (request.data().size() == expected) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("the part of the {} at offset {} has {} bytes, not {}", file.name, request.offset(),
                          expected, request.data().size()),
              "data");
}

/// For those who resume: the last part is asked for until the whole file was checked with it.
std::uint64_t resume_offset(const objects::UploadState& state) {
  if (!state.complete()) return state.offset;
  return (state.size - 1) / objects::kPartSize * objects::kPartSize;
}

Result<objects::UploadState> state_of(const store::UploadRecord& upload) {
  return objects::UploadState::parse(as_text(upload.store_state));
}

void put_state(store::UploadRecord& upload, const objects::UploadState& state, std::int64_t now) {
  upload.received = static_cast<std::int64_t>(resume_offset(state));
  upload.store_state = to_bytes(as_bytes(state.to_text()));
  upload.updated_at = now;
}

/// Another request for the same upload was quicker.
tl::unexpected<Error> fail_raced() {
  return fail(ErrorCode::conflict, "the upload was changed meanwhile", "version");
}
bool is_raced(const Error& error) { return error.code == ErrorCode::conflict && error.field == "version"; }

v1::UploadPartResponse answer(std::uint64_t received, bool ready) {
  v1::UploadPartResponse response;
  response.set_received(received);
  response.set_image_ready(ready);
  return response;
}

}  // namespace

Status drop_upload(store::UploadStore& uploads, objects::ObjectStore& objects,
                   const store::UploadRecord& upload) {
  if (const auto state = state_of(upload)) objects.abandon(*state);
  return uploads.remove(upload.tenant, upload.upload_id);
}

Result<v1::UploadPartResponse> Uploads::put(const std::string& tenant, const v1::UploadPartRequest& request) {
  for (int attempt = 0; attempt < kTries; ++attempt) {
    auto done = try_put(tenant, request);
    if (done || !is_raced(done.error())) return done;
  }
  return fail(ErrorCode::unavailable, "the same file is sent several times at once: try again", "file");
}

Result<v1::UploadPartResponse> Uploads::try_put(const std::string& tenant,
                                                const v1::UploadPartRequest& request) {
  SEALIFT_TRY(const auto image, find_image(stores_.images, tenant, request.image_id()));
  const auto file = std::ranges::find(image.files, request.file(), &store::ImageFile::name);
  if (file == image.files.end())
    return fail(ErrorCode::invalid_argument, "no file of that name is to be uploaded", "file");
  SEALIFT_CHECK(check_part(*file, request));
  if (file->complete)
    return answer(static_cast<std::uint64_t>(file->size), image.state == store::ImageState::ready);
  SEALIFT_TRY(auto upload, open(image, *file));
  SEALIFT_TRY(auto state, state_of(upload));
  if (request.offset() > state.offset)
    return fail(
        ErrorCode::failed_precondition,
        fmt::format("the {} goes on at offset {}, not {}", file->name, state.offset, request.offset()),
        "offset");
  if (request.offset() == state.offset) {
    SEALIFT_TRY(state, append(upload, state, request));
  }
  if (!state.complete()) return answer(state.offset, false);
  return finish(upload, state);
}

Result<store::UploadRecord> Uploads::open(const store::ImageRecord& image, const store::ImageFile& file) {
  store::UploadRecord upload;
  upload.tenant = image.tenant;
  upload.upload_id = image.image_id + "/" + file.name;
  auto found = stores_.uploads.get(upload.tenant, upload.upload_id);
  if (found || found.error().code != ErrorCode::not_found) return found;
  SEALIFT_TRY(const auto begun,
              stores_.objects.begin(crypto::Digest{file.digest}, static_cast<std::uint64_t>(file.size)));
  upload.image_id = image.image_id;
  upload.file = file.name;
  upload.digest = file.digest;
  upload.size = file.size;
  put_state(upload, begun, seconds_now(clock_));
  const auto created = stores_.uploads.create(upload);
  if (created) return stores_.uploads.get(upload.tenant, upload.upload_id);
  stores_.objects.abandon(begun);
  if (created.error().code == ErrorCode::already_exists) return fail_raced();
  return tl::unexpected(created.error());
}

Result<objects::UploadState> Uploads::append(store::UploadRecord& upload, const objects::UploadState& state,
                                             const v1::UploadPartRequest& request) {
  const auto appended = stores_.objects.append(state, request.offset(), as_bytes(request.data()));
  if (!appended) return failed(upload, state, appended.error());
  SEALIFT_CHECK(save(upload, *appended));
  SEALIFT_CHECK(stores_.images.touch(upload.tenant, upload.image_id, upload.updated_at));
  return *appended;
}

Status Uploads::save(store::UploadRecord& upload, const objects::UploadState& state) {
  put_state(upload, state, seconds_now(clock_));
  const auto version = stores_.uploads.update(upload);
  if (version) {
    upload.version = *version;
    return {};
  }
  if (version.error().code == ErrorCode::not_found) return fail_raced();
  return tl::unexpected(version.error());
}

Result<v1::UploadPartResponse> Uploads::finish(store::UploadRecord& upload,
                                               const objects::UploadState& state) {
  SEALIFT_TRY(const bool removing, stores_.uses.is_being_removed(upload.digest));
  if (removing)
    return fail(ErrorCode::unavailable,
                "an older copy of this file is just being removed: send the part again", "file");
  if (const auto finished = stores_.objects.finish(state); !finished)
    return failed(upload, state, finished.error());
  const auto image = stores_.images.complete_file(upload.tenant, upload.image_id, upload.file);
  if (!image) {
    // Deleted meanwhile: the object may be nobody's.
    if (image.error().code == ErrorCode::not_found) SEALIFT_CHECK(stores_.uses.note(upload.digest));
    return tl::unexpected(image.error());
  }
  SEALIFT_CHECK(stores_.uploads.remove(upload.tenant, upload.upload_id));
  return answer(state.size, image->state == store::ImageState::ready);
}

tl::unexpected<Error> Uploads::failed(store::UploadRecord& upload, const objects::UploadState& state,
                                      const Error& why) {
  const bool again = why.code == ErrorCode::object_differs || why.code == ErrorCode::conflict ||
                     why.code == ErrorCode::not_found;
  if (!again) return tl::unexpected(why);
  const auto begun = stores_.objects.begin(crypto::Digest{upload.digest}, state.size);
  if (!begun) return tl::unexpected(begun.error());
  if (const auto saved = save(upload, *begun); !saved) {
    stores_.objects.abandon(*begun);
    return tl::unexpected(saved.error());
  }
  stores_.objects.abandon(state);
  const auto code = why.code == ErrorCode::object_differs ? why.code : ErrorCode::conflict;
  return differs(code, fmt::format("{}: send the {} again from offset 0", why.message, upload.file),
                 upload.file, why.expected, why.found);
}

}  // namespace sealift::frontend
