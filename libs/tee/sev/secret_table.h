// SPDX-License-Identifier: Apache-2.0
/// Secrets as the guest finds them (OVMF OvmfPkg/AmdSev/SecretPei; Linux drivers/virt/coco/efi_secret).
///
/// GUID 1e74f542-71dd-4d66-963e-ef4287ff173b, u32 length of the whole table; then entries: GUID, u32 length
/// (20 + data), data. Little-endian. Zeros to a multiple of 16 behind, for the PSP takes no other length.
#pragma once

#include <string_view>
#include <vector>

#include "base/secret.h"
#include "tee/sev/guid.h"

namespace sealift::sev {

/// The disk's passphrase, by the GUID that everybody uses.
inline constexpr std::string_view kDiskKeyGuid = "736869e5-84f0-4973-92ec-06879ce3da0b";
/// Of one LAUNCH_SECRET packet (55766, 6.6).
inline constexpr std::size_t kSecretPacketLimit = 16UL * 1024;
/// What AmdSev OVMF reserves for secrets in front of its hash table.
inline constexpr std::size_t kAmdSevSecretArea = 0xC00;

struct SecretEntry {
  Guid guid;
  SecretBytes value;
};

/// invalid_argument at "entry" for none, an empty value, or one GUID twice; too_large at "entry" past 16 KiB.
Result<SecretBytes> write_secret_table(const std::vector<SecretEntry>& entries);

/// What a guest does. Behind the entries there may be zeros, inside the table's length and after it, and
/// nothing else. malformed or truncated at "secret_table".
Result<std::vector<SecretEntry>> read_secret_table(ByteView table);

}  // namespace sealift::sev
