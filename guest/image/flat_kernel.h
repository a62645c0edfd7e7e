// SPDX-License-Identifier: Apache-2.0
/// The flat binary of a kernel in ELF, as `objcopy -O binary -S` makes it and as PEF measures it in memory:
/// all allocated sections with content, each at its load address, zeros between them.
#pragma once

#include <optional>

#include "crypto/digest.h"

namespace sealift::image {

inline constexpr std::uint64_t kFlatKernelLimit = 256ULL << 20U;

struct FlatKernel {
  crypto::Digest digest;  ///< SHA-512
  std::uint32_t size;     ///< bytes
};

/// Nothing for a file that is no ELF. malformed or truncated for an ELF that cannot be a kernel, unsupported
/// for 32 bits, too_large beyond kFlatKernelLimit.
Result<std::optional<FlatKernel>> flat_kernel_digest(int fd);

}  // namespace sealift::image
