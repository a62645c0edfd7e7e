// SPDX-License-Identifier: Apache-2.0
/// What QEMU and KVM do with a PSP before an SEV guest's first instruction, from a command line's files.
#pragma once

#include "emulator/psp/guest.h"
#include "emulator/sev/vm.h"
#include "tee/sev/ovmf.h"

namespace sealift::emulator {

struct Launch {
  Guest guest;  ///< measured: it takes its secret
  sev::Measurement measurement;
  sev::OvmfFooter footer;
  /// For the guest's memory, where the footer says; empty without kernel-hashes=on. launch.cc tells why
  /// it is not what was measured.
  Bytes hash_table;
};

/// LAUNCH_START to LAUNCH_MEASURE. A PSP that refuses is failed_precondition in QEMU's words, its field the
/// command.
Result<Launch> launch(const Platform& platform, const Vm& vm);

/// "ret=-5 fw_error=11 'Bad measurement'": what QEMU says of a command that the PSP refused.
std::string firmware_error(PspStatus status);

}  // namespace sealift::emulator
