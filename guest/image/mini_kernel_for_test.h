// SPDX-License-Identifier: Apache-2.0
/// A guest of a hundred bytes, for launches without the seconds of a Linux boot.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace sealift::image {

/// A kernel that prints `text` on the first serial port and then does nothing any more (Multiboot
/// 0.6.96, 3.1: a flat image with its addresses in the header).
Bytes kernel_that_says(std::string_view text);

}  // namespace sealift::image
