// SPDX-License-Identifier: Apache-2.0
/// A QMP socket in front of QEMU's own: one client serves hardware and emulator.
#pragma once

#include <filesystem>

#include "base/file.h"
#include "emulator/sev/sev_commands.h"

namespace sealift::emulator {

/// Serves one client after the other, as QEMU does, until the process behind `qemu` (a pidfd) ends. Answers
/// come in the order of the commands, QEMU's and ours. `socket` is QEMU's.
Status serve_qmp(int listener, const std::filesystem::path& socket, int qemu, SevCommands& commands);

}  // namespace sealift::emulator
