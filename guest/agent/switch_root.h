// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sealift::guest {

inline constexpr const char* kNewRoot = "/newroot";

/// Mounts the opened root disk on kNewRoot: read-only unless the kernel's command line says "rw".
void mount_root();

/// Moves /dev, /proc, /sys and /run over, deletes what the initramfs holds, and becomes the real /sbin/init.
[[noreturn]] void switch_root(char** argv);

}  // namespace sealift::guest
