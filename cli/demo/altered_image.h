// SPDX-License-Identifier: Apache-2.0
/// What no host gets away with, whatever protects the guest: an image with one part of it changed.
#pragma once

#include "cli/demo/stage.h"

namespace sealift::cli {

/// An image in a host's hands.
struct SealedImage {
  std::string kernel;
  std::string initramfs;
  std::string other_cmdline;       ///< one that boots, and is not the sealed one
  std::int64_t kernel_place = -1;  ///< of a byte whose change lets the kernel run
};
/// A lying host agent starts the image with these of its options changed.
using StartAltered = std::function<Result<Json>(const Words& changes)>;

Status refuse_altered_image(Stage& stage, const SealedImage& image, const StartAltered& start);

}  // namespace sealift::cli
