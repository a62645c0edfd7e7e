// SPDX-License-Identifier: Apache-2.0
/// An emulated machine, as sealift-emulator describes it.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace sealift::cli {

/// The socket of its ultravisor. `machines`: the machines directory, empty for the default one. The
/// emulator's own error where there is no such machine; unavailable where it is off.
Result<std::filesystem::path> ultravisor_socket_of(const std::string& name,
                                                   const std::filesystem::path& machines);

}  // namespace sealift::cli
