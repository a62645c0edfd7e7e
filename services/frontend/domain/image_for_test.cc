// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/image_for_test.h"

#include <algorithm>
#include <random>

#include "formats/cpio/head.h"
#include "formats/esm/insertion.h"
#include "objects/upload_state.h"

namespace sealift::frontend {
namespace {

Bytes content_of(std::uint32_t seed, std::size_t size) {
  std::minstd_rand random{seed + 1};
  Bytes bytes(size);
  std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random() >> 8U); });
  return bytes;
}

image::Component component_of(ByteView bytes) {
  return {bytes.size(), crypto::digest(crypto::HashAlgorithm::sha512, bytes)};
}

Bytes head_of(const esm::ImageId& id) {
  const auto operand = esm::make(esm::samples::seed(), id, esm::samples::integrity(),
                                 esm::samples::customer_data(), esm::kDefaultReservedSize);
  return cpio::make_head(operand->serialise()).value();
}

}  // namespace

ImageForTest::ImageForTest(std::uint8_t id, std::uint8_t content, std::size_t disk_size)
    : manifest{.image_id = esm::samples::image_id(id)}, head{head_of(manifest.image_id)} {
  files["kernel"] = content_of(content * 3U, 3000);
  files["initramfs"] = content_of(content * 3U + 1, 4000);
  files["rootdisk.luks"] = content_of(content * 3U + 2, disk_size);
  manifest.arch = "x86_64";
  manifest.tee = "measured";
  manifest.luks_uuid = "01234567-89ab-cdef-0123-456789abcdef";
  manifest.memory_mib = 512;
  manifest.kernel = component_of(files["kernel"]);
  manifest.initramfs = component_of(files["initramfs"]);
  manifest.initramfs.size += head.size();
  manifest.initramfs_head_size = head.size();
  manifest.root_disk = component_of(files["rootdisk.luks"]);
  manifest.cmdline = component_of(as_bytes(cmdline));
}

void ImageForTest::seal_to(const esm::Target& target) {
  const auto whole = cpio::read_head([this](std::size_t) -> Result<Bytes> { return head; });
  head = esm::insert_targets(whole.value(), std::array{target}).value();
}

void ImageForTest::become_one_for_sev() {
  manifest.tee = "sev";
  manifest.initramfs.size -= head.size();
  manifest.initramfs_head_size = 0;
  head.clear();
}

v1::CreateImageRequest ImageForTest::announcement() const {
  v1::CreateImageRequest request;
  request.set_manifest(image::format_manifest(manifest));
  request.set_head(std::string{as_text(head)});
  request.set_cmdline(cmdline);
  return request;
}

v1::UploadPartRequest ImageForTest::part(const std::string& file, std::uint64_t offset) const {
  const auto& bytes = files.at(file);
  const auto begin = std::min<std::uint64_t>(offset, bytes.size());
  const auto size = std::min<std::uint64_t>(objects::kPartSize, bytes.size() - begin);
  v1::UploadPartRequest request;
  request.set_image_id(id());
  request.set_file(file);
  request.set_offset(offset);
  request.set_data(std::string{as_text(ByteView{bytes}.subspan(begin, size))});
  return request;
}

std::vector<v1::UploadPartRequest> ImageForTest::parts() const {
  std::vector<v1::UploadPartRequest> all;
  for (const auto& [name, bytes] : files) {
    for (std::uint64_t offset = 0; offset < bytes.size(); offset += objects::kPartSize)
      all.push_back(part(name, offset));
  }
  return all;
}

crypto::Digest ImageForTest::digest(const std::string& file) const {
  return crypto::digest(crypto::HashAlgorithm::sha512, files.at(file));
}

}  // namespace sealift::frontend
