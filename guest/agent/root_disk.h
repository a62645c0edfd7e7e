// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace sealift::guest {

/// The LUKS2 header, in the initramfs and so under the operand's digests. The one on the disk is never read:
/// a host that could swap it would choose the cipher ("null" among them) and the key, and have us run its own
/// root.
inline constexpr const char* kLuksHeader = "/sealift/luks-header";
/// Bytes before the payload. The initramfs has the header without the unused end; the agent puts zeros there.
inline constexpr std::uint64_t kLuksHeaderSize = 16 << 20;
inline constexpr const char* kMappedName = "root";
inline constexpr const char* kMappedDevice = "/dev/mapper/root";

/// Opens the root disk as kMappedDevice with the initramfs's own cryptsetup; the passphrase goes through a
/// pipe.
void open_root_disk(std::span<const std::uint8_t> passphrase);

}  // namespace sealift::guest
