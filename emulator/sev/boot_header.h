// SPDX-License-Identifier: Apache-2.0
/// Where the emulator differs from hardware, and why.
///
/// A QEMU that loads a kernel writes into its setup header where command line and initramfs will be, and who
/// the boot loader was. Under SEV it leaves the header alone, so that what is measured is the file. Ours runs
/// without SEV and edits, and the firmware, which hashes the kernel that it gets, would refuse it. So the
/// hash in the guest's memory is of the edited kernel, and the launch digest of the file, as on hardware. The
/// firmware's check stays a real one: whoever exchanges the kernel changes both.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace sealift::emulator {

/// The kernel as QEMU 7.2 hands it to a guest of the machine pc-q35-7.1 (hw/i386/x86.c, x86_load_linux).
/// malformed where it is no bzImage of protocol 2.12 or later.
Result<Bytes> kernel_as_loaded(ByteView kernel, std::uint64_t initrd_size, std::uint64_t memory);

}  // namespace sealift::emulator
