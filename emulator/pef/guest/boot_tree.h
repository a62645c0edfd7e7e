// SPDX-License-Identifier: Apache-2.0
/// The flattened device tree that a POWER kernel made of its machine's, as its memory holds it when it asks
/// for secure mode: where the parts of the guest lie, and its command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emulator/pef/guest/memory.h"

namespace sealift::pef {

inline constexpr std::size_t kMaxBootTree = 4U << 20U;

struct BootTree {
  std::uint64_t address = 0;
  Bytes blob;            ///< a copy, well-formed
  std::string bootargs;  ///< /chosen, without its NUL
  std::optional<Range> initrd;
  std::optional<Range> rtas;
  Bytes esm_blob_start;  ///< /chosen linux,esm-blob-start, as it is; empty where there is none
  Bytes esm_blob_end;
  std::vector<Range> reserved;  ///< the memory reservations

  Range range() const noexcept { return {address, blob.size()}; }
};

/// malformed, naming the property or "fdt", for whatever does not make sense.
Result<BootTree> read_boot_tree(const GuestMemory& memory, std::uint64_t address);

}  // namespace sealift::pef
