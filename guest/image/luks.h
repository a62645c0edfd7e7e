// SPDX-License-Identifier: Apache-2.0
/// A LUKS2 disk made in user space: the header by libcryptsetup, the payload by our own XTS in one pass, so
/// that neither root rights nor device-mapper are needed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/secret.h"
#include "crypto/digest.h"
#include "guest/image/job.h"

namespace sealift::image {

struct LuksDisk {
  std::string uuid;
  std::uint64_t size = 0;  ///< of the whole disk: header and payload
  crypto::Digest sha512;   ///< of the whole disk
  Bytes header;            ///< metadata and keyslot, without the unused space up to the payload
};

/// Encrypts the `size` bytes of `plaintext` (a multiple of 4096) into the new file `disk`. `block_size` is
/// that of the file system within: sectors are 4096 bytes where it allows, else 512. Every block is written,
/// so that the disk does not tell which ones are in use. Synced before it returns.
Result<LuksDisk> write_luks_disk(int plaintext, std::uint64_t size, std::uint32_t block_size,
                                 ByteView passphrase, const std::filesystem::path& disk, const Job& job);

/// 64 hexadecimal digits: 32 random bytes in a form that every tool can type.
SecretBytes make_passphrase();
inline constexpr std::size_t kPassphraseSize = 64;

}  // namespace sealift::image
