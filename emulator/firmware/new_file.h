// SPDX-License-Identifier: Apache-2.0
/// Files of an emulated machine: whole or not at all as long as the power stays, but not synced, which is
/// what makes a machine in tens of milliseconds. A power failure may cost an emulated machine.
#pragma once

#include <filesystem>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::emulator {

// Both: readable by this user only.
/// already_exists where there is one.
Status write_new_file(const std::filesystem::path& path, ByteView bytes);
/// Written beside `path`, then renamed into its place.
Status replace_file(const std::filesystem::path& path, ByteView bytes);

}  // namespace sealift::emulator
