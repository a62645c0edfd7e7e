// SPDX-License-Identifier: Apache-2.0
#include "cli/demo/altered_image.h"

#include "cli/demo/faults.h"

namespace sealift::cli {

Status refuse_altered_image(Stage& stage, const SealedImage& image, const StartAltered& start) {
  const auto kernel = stage.file("altered-kernel");
  SEALIFT_CHECK(copy_with_flipped_bit(image.kernel, kernel, image.kernel_place));
  stage.expect_refusal("one bit of the kernel", start({"--kernel", kernel}), ErrorCode::kernel_differs,
                       "kernel");
  const auto initramfs = stage.file("altered-initramfs");
  SEALIFT_CHECK(copy_with_flipped_bit(image.initramfs, initramfs, -1000));
  stage.expect_refusal("one bit of the initramfs", start({"--initramfs", initramfs}),
                       ErrorCode::initramfs_differs, "initramfs");
  stage.expect_refusal("another command line", start({"--cmdline", image.other_cmdline}),
                       ErrorCode::cmdline_differs, "cmdline");
  const auto bare = stage.file("bare-initramfs");
  SEALIFT_CHECK(copy_without_operand(image.initramfs, bare));
  stage.expect_refusal("no operand", start({"--initramfs", bare}), ErrorCode::operand_missing, "");
  return {};
}

}  // namespace sealift::cli
