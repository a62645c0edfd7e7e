// SPDX-License-Identifier: Apache-2.0
/// A POWER kernel in its wrapper (zImage), which has a section for the ESM operand. Changing the operand is
/// writing that section, in place: the kernel in the wrapper is not touched.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::image {

inline constexpr std::string_view kOperandSection = ".kernel:esm_blob";

/// The wrapper with `operand` in its section, zeros behind it. unsupported at "kernel" where it has no such
/// section: it was wrapped without room for one; operand_full where there is too little room; malformed for
/// what is no ELF file.
Result<Bytes> with_operand(ByteView wrapper, ByteView operand);

}  // namespace sealift::image
