// SPDX-License-Identifier: Apache-2.0
/// Debian binary packages (deb(5)): an ar archive with a compressed tar archive of the files in it.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "guest/image/job.h"

namespace sealift::image {

/// Unpacks the regular files whose path `wanted` says yes to, below `directory`. malformed where `package` is
/// none, or a path in it leads elsewhere.
Status unpack_debian_package(const std::filesystem::path& package,
                             const std::function<bool(std::string_view)>& wanted,
                             const std::filesystem::path& directory, const Job& job);

}  // namespace sealift::image
