// SPDX-License-Identifier: Apache-2.0
#include "cli/cloud/upload.h"

#include <fcntl.h>

#include <algorithm>

#include "base/file.h"
#include "cli/cancellation.h"
#include "cli/inputs.h"
#include "guest/image/image.h"

namespace sealift::cli {
namespace {

constexpr std::size_t kMaxReference = 64UL * 1024;
constexpr std::uint64_t kPart = 8UL * 1024 * 1024;
constexpr std::string_view kService = "sealift.v1.ImageService.";
std::string method(const char* name) { return std::string{kService} + name; }

std::string text(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

Result<v1::CreateImageRequest> announcement(const image::ImageDirectory& image, const Path& reference) {
  v1::CreateImageRequest request;
  SEALIFT_TRY(const auto manifest, read_file(image.path() / image::kManifestFile, image::kMaxManifestSize));
  request.set_manifest(text(manifest));
  if (image.has_operand()) request.set_head(text(image.head().bytes));
  request.set_cmdline(image.cmdline());
  if (!reference.empty()) {
    SEALIFT_TRY(const auto log, read_file(reference, kMaxReference));
    request.set_reference_event_log(text(log));
  }
  return request;
}

struct Part {
  std::uint64_t start;  ///< in the image directory's file; the front end has the initramfs' head already
  std::uint64_t size;
};

/// Which bytes a file is that the front end asks for. It is not trusted: it gets the image's own files, never
/// one that it names.
Result<Part> part_of(const image::ImageDirectory& image, const std::string& name) {
  const auto& manifest = image.manifest();
  if (name == image::kKernelFile) return Part{0, manifest.kernel.size};
  if (name == image::kRootDiskFile) return Part{0, manifest.root_disk.size};
  const auto head = manifest.initramfs_head_size;
  if (name == image::kInitramfsFile) return Part{head, manifest.initramfs.size - head};
  return fail(ErrorCode::malformed, "the front end asks for a file that no image has: " + name, "files");
}

Status send_file(rpc::Channel& frontend, const image::ImageDirectory& image, const v1::ImageFile& file,
                 const std::string& image_id, Progress& progress) {
  SEALIFT_TRY(const auto place, part_of(image, file.name()));
  if (file.size() != place.size || file.received() > place.size)
    return fail(ErrorCode::malformed, "the front end is wrong about the size of " + file.name(), "size");
  SEALIFT_TRY(const auto fd, open_file(image.path() / file.name(), O_RDONLY));
  progress.start("sending " + file.name(), file.size());
  progress.advance(file.received());
  for (auto offset = file.received(); offset < file.size();) {
    SEALIFT_CHECK(check_not_cancelled());
    Bytes part(static_cast<std::size_t>(std::min(kPart, file.size() - offset)));
    SEALIFT_CHECK(pread_exact(fd.get(), part, place.start + offset));
    v1::UploadPartRequest request;
    request.set_image_id(image_id);
    request.set_file(file.name());
    request.set_offset(offset);
    request.set_data(text(part));
    SEALIFT_TRY(const auto answer, frontend.call<v1::UploadPartResponse>(method("UploadPart"), request));
    if (answer.received() <= offset || answer.received() > place.size)
      return fail(ErrorCode::malformed, "the front end does not take more of " + file.name(), "received");
    progress.advance(answer.received() - offset);
    offset = answer.received();
  }
  progress.finish();
  return {};
}

}  // namespace

Result<v1::Image> upload_image(rpc::Channel& frontend, const Path& directory, const Path& reference,
                               Progress& progress) {
  SEALIFT_TRY(const auto image, image::ImageDirectory::open(directory));
  SEALIFT_TRY(const auto request, announcement(image, reference));
  SEALIFT_TRY(const auto announced, frontend.call<v1::Image>(method("CreateImage"), request));
  for (const auto& file : announced.files()) {
    if (file.complete()) continue;
    SEALIFT_CHECK(send_file(frontend, image, file, image.manifest().image_id.hex(), progress));
  }
  v1::GetImageRequest asked;
  asked.set_image_id(image.manifest().image_id.hex());
  SEALIFT_TRY(auto uploaded, frontend.call<v1::Image>(method("GetImage"), asked));
  if (uploaded.state() == v1::Image::STATE_READY) return uploaded;
  return fail(ErrorCode::conflict, "the image was sent, and the front end still waits for some of it",
              "state");
}

}  // namespace sealift::cli
