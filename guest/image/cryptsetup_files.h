// SPDX-License-Identifier: Apache-2.0
/// cryptsetup as the customer's own root file system has it, with all it needs to run elsewhere.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "guest/image/root_filesystem.h"

namespace sealift::image {

/// Where in the initramfs (no leading "/") and where in the root file system: the program as sbin/cryptsetup,
/// its libraries in lib/, the dynamic loader where the program asks for it. dependency_missing names what
/// lacks.
Result<std::map<std::string, std::string>> find_cryptsetup(const RootFilesystem& root, std::string_view arch);

/// No file of it is larger.
inline constexpr std::size_t kMaxProgramSize = 64 << 20;

}  // namespace sealift::image
