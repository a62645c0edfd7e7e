// SPDX-License-Identifier: Apache-2.0
/// A directory on this machine, names in byte order, without crossing into other file systems mounted below.
#pragma once

#include <filesystem>

#include "guest/image/tree/source.h"

namespace sealift::image {

Result<std::unique_ptr<TreeSource>> open_directory(const std::filesystem::path& directory);

}  // namespace sealift::image
