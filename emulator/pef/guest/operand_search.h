// SPDX-License-Identifier: Apache-2.0
/// Where a guest keeps its ESM operand: in its kernel's wrapper, which tells of it in /chosen, or else at the
/// head of its initramfs.
#pragma once

#include "emulator/pef/guest/boot_tree.h"

namespace sealift::pef {

struct FoundOperand {
  Bytes bytes;                      ///< a copy; a device tree, its padding included
  std::optional<Range> in_wrapper;  ///< where it lies, unless in the initramfs
  std::uint64_t initramfs_rest;  ///< where the initramfs digest starts: behind the head that held the operand
};

/// operand_missing where neither place has one; operand_malformed, truncated, too_large for one that is none;
/// malformed for places outside of memory.
Result<FoundOperand> find_operand(const GuestMemory& memory, const BootTree& tree);

}  // namespace sealift::pef
