// SPDX-License-Identifier: Apache-2.0
/// What a VMM does to a kernel before the firmware hashes it: it edits the setup header (Linux
/// Documentation/arch/x86/boot.rst; QEMU hw/i386/x86.c, x86_load_linux). QEMU does so unless it runs an SEV
/// guest, and before 6.2 then, too: the hash is another one than the file's.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace sealift::sev {

/// `kernel` as QEMU hands it on: type_of_loader (0x210), loadflags (0x211), heap_end_ptr (0x224),
/// cmd_line_ptr (0x228), and with an initrd ramdisk_image (0x218) and ramdisk_size (0x21c). `low_memory` is
/// the guest's memory below 4 GiB, in bytes: the initrd goes to its end. The same bytes where `kernel` is no
/// bzImage of boot protocol 2.02 or later.
Bytes kernel_as_qemu_edits(ByteView kernel, std::uint32_t initrd_size, std::uint32_t low_memory);

}  // namespace sealift::sev
