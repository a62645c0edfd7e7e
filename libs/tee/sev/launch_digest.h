// SPDX-License-Identifier: Apache-2.0
/// What a launch puts into the guest's memory, as one hash: LD = SHA-256(OVMF | hash table | VMSA pages)
/// (AMD 55766, 6.3 LAUNCH_UPDATE_DATA, 6.4 LAUNCH_UPDATE_VMSA; QEMU target/i386/sev.c,
/// sev_add_kernel_loader_hashes).
///
/// The hash table, 176 bytes: GUID, u16 length = 168, then for cmdline, initrd and kernel, in this order,
/// GUID, u16 length = 50, SHA-256; 8 zero bytes (QEMU's PaddedSevHashTable).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "crypto/digest.h"

namespace sealift::sev {

inline constexpr std::size_t kHashTableSize = 176;
inline constexpr std::size_t kVmsaSize = 4096;

struct KernelHashes {
  crypto::Digest kernel;
  crypto::Digest initrd;
  crypto::Digest cmdline;
};

/// `initrd` empty where there is none. QEMU hashes the command line with its trailing NUL.
KernelHashes hash_kernel(ByteView kernel, ByteView initrd, std::string_view cmdline);
crypto::Digest hash_cmdline(std::string_view cmdline);
Bytes hash_table(const KernelHashes& hashes);

/// SEV-ES measures each vCPU's registers: the first page once, the second for every other vCPU. Without ES
/// there are none.
struct VmsaPages {
  ByteView first;  ///< 4096 bytes; empty without ES
  ByteView others;
  std::uint32_t vcpus = 0;
};

/// `kernel` is nullopt for a guest that boots from its disk (no kernel-hashes=on).
crypto::Digest launch_digest(ByteView firmware, const std::optional<KernelHashes>& kernel,
                             const VmsaPages& vmsa = {});

/// The same in steps, for many digests that begin alike.
void add_hash_table(crypto::Hasher& hasher, const KernelHashes& hashes);
void add_vmsa(crypto::Hasher& hasher, const VmsaPages& vmsa);

}  // namespace sealift::sev
