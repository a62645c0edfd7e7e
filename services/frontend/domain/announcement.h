// SPDX-License-Identifier: Apache-2.0
/// What a tenant says of an image before its files follow, looked at before anything is kept. It proves
/// nothing about the sealed payload, which only the customer and the ultravisor can check; it makes sure that
/// what is announced can be uploaded, stored and started.
#pragma once

#include <vector>

#include "guest/image/manifest.h"
#include "sealift/state/v1/state.pb.h"
#include "sealift/v1/images.pb.h"

namespace sealift::frontend {

/// A file that is uploaded and becomes an object.
struct AnnouncedFile {
  std::string name;
  Bytes sha512;
  std::uint64_t size;
};

struct Announcement {
  image::Manifest manifest;
  std::vector<AnnouncedFile> files;  ///< kernel, what follows the head in the initramfs, root disk
};

/// invalid_argument, malformed, too_large, operand_missing, operand_malformed or cmdline_differs; `field`
/// names the request's field or the manifest's member.
Result<Announcement> read_announcement(const v1::CreateImageRequest& request);

/// As the front end keeps it beside the image.
state::v1::ImageDocument to_document(const v1::CreateImageRequest& request);
/// What was kept. internal where it is damaged.
Result<state::v1::ImageDocument> read_document(ByteView kept);

/// Both are announcements that were read. Sealing to more machines and another log do not make another image.
bool is_same_image(const state::v1::ImageDocument& kept, const v1::CreateImageRequest& request);

}  // namespace sealift::frontend
