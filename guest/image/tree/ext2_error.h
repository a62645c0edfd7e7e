// SPDX-License-Identifier: Apache-2.0
/// libext2fs's errors as ours.
#pragma once

#include <string>

#include "base/result.h"

namespace sealift::image {

/// `code` is an errcode_t other than 0. no_space where the file system is full, not_found where there is no
/// such file, io_error else; `path` becomes the field.
tl::unexpected<Error> fail_ext2(long code, const std::string& doing, const std::string& path = {});

}  // namespace sealift::image
