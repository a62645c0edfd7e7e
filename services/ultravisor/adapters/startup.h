// SPDX-License-Identifier: Apache-2.0
/// What every ultravisor does first.
#pragma once

#include "base/file.h"
#include "tpm/profile.h"

namespace sealift::ultravisor {

/// This boot's password, from the pipe of the firmware's last stage.
Result<Secret<tpm::kBootPasswordSize>> read_boot_password(int fd);

/// Readable when SIGTERM or SIGINT came. Set before any thread starts, so that all block them.
Result<UniqueFd> stop_signals();

}  // namespace sealift::ultravisor
