// SPDX-License-Identifier: Apache-2.0
/// The machine's ultravisor process.
#pragma once

#include "base/secret.h"
#include "emulator/machine/boot.h"
#include "tpm/profile.h"

namespace sealift::emulator {

/// Starts it, in a session of its own so that it outlives this process, and gives it the boot password
/// through a pipe. Returns when its socket answers; unavailable, with the last line of its log, where it
/// ended instead; timeout, and it is ended, where it does neither.
Status start_ultravisor(const Machine& machine, const BootOptions& options,
                        const Secret<tpm::kBootPasswordSize>& boot_password);

/// No error where none runs.
Status end_ultravisor(const Machine& machine);

}  // namespace sealift::emulator
