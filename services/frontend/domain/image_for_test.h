// SPDX-License-Identifier: Apache-2.0
/// For tests: small images as their owners have them, and what they send of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/esm/samples_for_test.h"
#include "guest/image/manifest.h"
#include "sealift/v1/images.pb.h"

namespace sealift::frontend {

struct ImageForTest {
  /// Images with the same `content` have the same files. No two have the same payload.
  explicit ImageForTest(std::uint8_t id, std::uint8_t content = 0, std::size_t disk_size = 5000);

  image::Manifest manifest;
  Bytes head;
  std::string cmdline = "console=ttyS0 root=/dev/vda";
  std::map<std::string, Bytes> files;  ///< what is uploaded, by name

  std::string id() const { return manifest.image_id.hex(); }
  void seal_to(const esm::Target& target);
  /// An image whose secret comes when it is launched: no head, no operand.
  void become_one_for_sev();
  v1::CreateImageRequest announcement() const;
  /// The part at `offset`, as long as it must be.
  v1::UploadPartRequest part(const std::string& file, std::uint64_t offset = 0) const;
  /// All of all files, in order.
  std::vector<v1::UploadPartRequest> parts() const;
  crypto::Digest digest(const std::string& file) const;
};

}  // namespace sealift::frontend
