// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/mini_image_for_test.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "crypto/random.h"
#include "formats/cpio/head.h"
#include "formats/esm/operand.h"
#include "guest/image/manifest.h"
#include "guest/image/mini_kernel_for_test.h"

namespace sealift::e2e {
namespace {

constexpr std::uint32_t kMemoryMib = 64;

crypto::Digest sha512(ByteView bytes) { return crypto::digest(crypto::HashAlgorithm::sha512, bytes); }
image::Component component_of(ByteView bytes) { return {bytes.size(), sha512(bytes)}; }

}  // namespace

MiniImage::MiniImage(const std::filesystem::path& directory, std::string_view says)
    : directory_{directory},
      cmdline_{"quiet mini=1"},
      kernel_{image::kernel_that_says(says)},
      body_(4096, 5),
      seed_{to_bytes(crypto::random_array<esm::kSeedSize>())} {
  const auto passphrase = to_hex(crypto::random_array<16>());
  secrets_ = {seed_, to_bytes(as_bytes(passphrase))};
  std::vector<esm::CustomerData> customer_data;
  customer_data.push_back({"root-disk", SecretBytes::copy_of(as_bytes(passphrase))});

  const esm::ImageId image_id{crypto::random_array<esm::ImageId::kSize>()};
  id_ = image_id.hex();
  const esm::IntegrityInformation integrity{sha512(kernel_), sha512(body_), sha512(as_bytes(cmdline_)),
                                            std::nullopt, std::nullopt};
  auto seed_copy = seed_;
  const esm::Seed seed{std::span{seed_copy}.first<esm::kSeedSize>()};
  const auto operand = esm::make(seed, image_id, integrity, customer_data).value();
  const auto head = cpio::make_head(operand.serialise()).value();
  auto initramfs = head;
  initramfs.insert(initramfs.end(), body_.begin(), body_.end());
  const Bytes disk(1U << 20U, 6);

  image::Manifest manifest{.image_id = image_id};
  manifest.arch = "x86_64";
  manifest.tee = "measured";
  manifest.luks_uuid = "01234567-89ab-cdef-0123-456789abcdef";
  manifest.memory_mib = kMemoryMib;
  manifest.kernel = component_of(kernel_);
  manifest.initramfs = {initramfs.size(), sha512(body_)};
  manifest.initramfs_head_size = head.size();
  manifest.cmdline = component_of(as_bytes(cmdline_));
  manifest.root_disk = component_of(disk);

  const auto files = directory_ / "image";
  std::filesystem::create_directories(files);
  const auto write = [](const std::filesystem::path& path, ByteView content) {
    EXPECT_TRUE(write_file(path, content)) << path;
  };
  const auto json = image::format_manifest(manifest);
  write(files / image::kManifestFile, as_bytes(json));
  write(files / image::kKernelFile, kernel_);
  write(files / image::kInitramfsFile, initramfs);
  write(files / image::kCmdlineFile, as_bytes(cmdline_));
  write(files / image::kRootDiskFile, disk);
  write(directory_ / "seed", seed_);
}

}  // namespace sealift::e2e
