// SPDX-License-Identifier: Apache-2.0
/// The machine's ultravisor process.
#pragma once

#include <optional>

#include "base/secret.h"
#include "emulator/machine/boot.h"
#include "tpm/profile.h"
#include "tpm/wrapping_key.h"

namespace sealift::emulator {

/// What the firmware leaves to the ultravisor alone.
struct Passwords {
  Secret<tpm::kBootPasswordSize> boot;
  std::optional<Secret<tpm::kWrappingPasswordSize>> wrapping_key;  ///< of a pef machine with PEF enabled
};

/// Starts it, in a session of its own so that it outlives this process, and gives it the passwords through a
/// pipe, one after the other. Returns when its socket answers; unavailable, with the last line of its log,
/// where it ended instead; timeout, and it is ended, where it does neither.
Status start_ultravisor(const Machine& machine, const BootOptions& options, const Passwords& passwords);

/// No error where none runs.
Status end_ultravisor(const Machine& machine);

}  // namespace sealift::emulator
