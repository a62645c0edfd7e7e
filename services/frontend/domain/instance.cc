// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/instance.h"

#include "guest/image/manifest.h"

namespace sealift::frontend {
namespace {

void put(v1::ObjectReference& reference, const crypto::Digest& sha512, std::uint64_t size) {
  reference.set_sha512(std::string{as_text(sha512.view())});
  reference.set_size(size);
}

}  // namespace

Result<v1::InstanceImage> instance_image(const state::v1::ImageDocument& kept) {
  const auto manifest = image::parse_manifest(as_bytes(kept.manifest()));
  if (!manifest) return fail(ErrorCode::internal, "what is kept of the image is damaged", "image_id");
  v1::InstanceImage instance;
  instance.set_image_id(manifest->image_id.hex());
  instance.set_tee(manifest->tee);
  instance.set_arch(manifest->arch);
  instance.set_cmdline(kept.cmdline());
  instance.set_head(kept.head());
  put(*instance.mutable_kernel(), manifest->kernel.sha512, manifest->kernel.size);
  put(*instance.mutable_initramfs_body(), manifest->initramfs.sha512,
      manifest->initramfs.size - manifest->initramfs_head_size);
  put(*instance.mutable_root_disk(), manifest->root_disk.sha512, manifest->root_disk.size);
  instance.set_reference_event_log(kept.reference_event_log());
  return instance;
}

}  // namespace sealift::frontend
