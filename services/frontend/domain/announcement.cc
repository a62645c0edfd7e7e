// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/announcement.h"

#include <fmt/core.h>

#include "formats/esm/insertion.h"
#include "objects/upload_state.h"

namespace sealift::frontend {
namespace {

// No larger than what an orchestrator takes.
constexpr std::size_t kMaxHead = 256U * 1024;
constexpr std::size_t kMaxReference = 64U * 1024;

Status check_size(const std::string& bytes, std::size_t limit, const char* field) {
  if (bytes.size() <= limit) return {};
  return fail(ErrorCode::too_large,
              fmt::format("the {} has {} bytes; at most {} are taken", field, bytes.size(), limit), field);
}

Result<esm::Operand> read_operand(const std::string& bytes) {
  SEALIFT_TRY(const auto head, cpio::read_head(as_bytes(bytes)));
  return esm::operand_of(head);
}

/// Images for SEV have none.
Status check_head(const std::string& bytes, const image::Manifest& manifest) {
  if (manifest.tee == image::kSev) {
    if (bytes.empty() && manifest.initramfs_head_size == 0) return {};
    return fail(ErrorCode::invalid_argument, "an image for SEV has no head archive", "head");
  }
  SEALIFT_CHECK(check_size(bytes, kMaxHead, "head"));
  SEALIFT_TRY(const auto head, cpio::read_head(as_bytes(bytes)));
  if (head.bytes.size() != bytes.size() || bytes.size() != manifest.initramfs_head_size)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the head archive has {} bytes, {} were sent, and the manifest says {}",
                            head.bytes.size(), bytes.size(), manifest.initramfs_head_size),
                "head");
  SEALIFT_TRY(const auto operand, esm::operand_of(head));
  if (operand.image_id() == manifest.image_id) return {};
  return fail(ErrorCode::invalid_argument, "the head archive's operand is of another image than the manifest",
              "head");
}

Status check_cmdline(const std::string& cmdline, const image::Component& announced) {
  const auto digest = crypto::digest(crypto::HashAlgorithm::sha512, as_bytes(cmdline));
  if (cmdline.size() == announced.size && digest == announced.sha512) return {};
  return differs(ErrorCode::cmdline_differs, "the command line is not the one that the manifest announces",
                 "cmdline", to_hex(announced.sha512.view()), to_hex(digest.view()));
}

Result<AnnouncedFile> read_file(std::string_view name, std::uint64_t size, const crypto::Digest& sha512) {
  if (size == 0)
    return fail(ErrorCode::invalid_argument, fmt::format("nothing is left of the {}", name),
                std::string{name});
  if (size > objects::kMaxObjectSize)
    return fail(ErrorCode::too_large,
                fmt::format("the {} has {} bytes; at most {} are taken", name, size, objects::kMaxObjectSize),
                std::string{name});
  return AnnouncedFile{std::string{name}, to_bytes(sha512.view()), size};
}

}  // namespace

Result<Announcement> read_announcement(const v1::CreateImageRequest& request) {
  SEALIFT_TRY(auto manifest, image::parse_manifest(as_bytes(request.manifest())));
  SEALIFT_CHECK(check_head(request.head(), manifest));
  SEALIFT_CHECK(check_cmdline(request.cmdline(), manifest.cmdline));
  SEALIFT_CHECK(check_size(request.reference_event_log(), kMaxReference, "reference_event_log"));
  Announcement announcement{std::move(manifest), {}};
  const auto& known = announcement.manifest;
  const auto body = known.initramfs.size - known.initramfs_head_size;
  SEALIFT_TRY(auto kernel, read_file(image::kKernelFile, known.kernel.size, known.kernel.sha512));
  SEALIFT_TRY(auto initramfs, read_file(image::kInitramfsFile, body, known.initramfs.sha512));
  SEALIFT_TRY(auto disk, read_file(image::kRootDiskFile, known.root_disk.size, known.root_disk.sha512));
  announcement.files = {std::move(kernel), std::move(initramfs), std::move(disk)};
  return announcement;
}

state::v1::ImageDocument to_document(const v1::CreateImageRequest& request) {
  state::v1::ImageDocument document;
  document.set_manifest(request.manifest());
  document.set_head(request.head());
  document.set_cmdline(request.cmdline());
  document.set_reference_event_log(request.reference_event_log());
  return document;
}

Result<state::v1::ImageDocument> read_document(ByteView kept) {
  state::v1::ImageDocument document;
  if (document.ParseFromArray(kept.data(), static_cast<int>(kept.size()))) return document;
  return fail(ErrorCode::internal, "what is kept of the image is damaged", "image_id");
}

bool is_same_image(const state::v1::ImageDocument& kept, const v1::CreateImageRequest& request) {
  // Without a head all of it is in the manifest.
  if (kept.manifest() == request.manifest() && kept.head().empty() && request.head().empty()) return true;
  const auto before = read_operand(kept.head());
  const auto now = read_operand(request.head());
  return kept.manifest() == request.manifest() && before && now && before->hmac_input() == now->hmac_input();
}

}  // namespace sealift::frontend
