// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/guest/operand_search.h"

#include <algorithm>
#include <array>
#include <functional>

#include "formats/cpio/head.h"
#include "formats/fdt/tree.h"

namespace sealift::pef {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{0xd0, 0x0d, 0xfe, 0xed};

std::uint64_t number(ByteView bytes, bool big_endian) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    value = value << 8U | bytes[big_endian ? i : bytes.size() - 1 - i];
  return value;
}

/// Wrappers write addresses in their own byte order, which nothing tells: an address is one where it leads to
/// a device tree.
Result<Range> place_in_wrapper(const GuestMemory& memory, const BootTree& tree) {
  const auto is_address = [](const Bytes& value) { return value.size() == 4 || value.size() == 8; };
  if (is_address(tree.esm_blob_start) && is_address(tree.esm_blob_end)) {
    for (const bool big_endian : {true, false}) {
      const auto start = number(tree.esm_blob_start, big_endian);
      const auto end = number(tree.esm_blob_end, big_endian);
      if (end < start) continue;
      const auto bytes = memory.view({start, end - start}, "chosen.linux,esm-blob-start");
      if (bytes && bytes->size() >= kMagic.size() && std::ranges::equal(bytes->first(kMagic.size()), kMagic))
        return Range{start, end - start};
    }
  }
  return fail(ErrorCode::operand_malformed, "/chosen names a place of the operand where there is none",
              "chosen.linux,esm-blob-start");
}

/// The device tree that starts there; whatever is behind it is not looked at.
Result<Bytes> copy_operand(ByteView place) {
  ByteReader reader{place};
  SEALIFT_CHECK(reader.take(kMagic.size()));
  SEALIFT_TRY(const auto size, reader.be32());
  if (size > fdt::kMaxSize) return fail(ErrorCode::too_large, "the operand is larger than 16 MiB", "operand");
  if (size > place.size())
    return fail(ErrorCode::truncated, "the operand is larger than the place that /chosen names", "operand");
  return to_bytes(place.first(size));
}

Result<FoundOperand> find_in_wrapper(const GuestMemory& memory, const BootTree& tree) {
  SEALIFT_TRY(const auto place, place_in_wrapper(memory, tree));
  SEALIFT_TRY(const auto bytes, memory.view(place, "chosen.linux,esm-blob-start"));
  SEALIFT_TRY(auto operand, copy_operand(bytes));
  return FoundOperand{std::move(operand), place, 0};
}

Result<FoundOperand> find_in_initramfs(const GuestMemory& memory, const BootTree& tree) {
  if (!tree.initrd)
    return fail(ErrorCode::operand_missing, "the guest has neither an operand in /chosen nor an initramfs");
  SEALIFT_TRY(const auto initramfs, memory.view(*tree.initrd, "chosen.linux,initrd-start"));
  SEALIFT_TRY(const auto head, cpio::read_head([&](std::size_t count) -> Result<Bytes> {
                return to_bytes(initramfs.first(std::min(count, initramfs.size())));
              }));
  return FoundOperand{to_bytes(head.operand()), std::nullopt, head.place.rest_offset};
}

}  // namespace

Result<FoundOperand> find_operand(const GuestMemory& memory, const BootTree& tree) {
  const bool told = !tree.esm_blob_start.empty() || !tree.esm_blob_end.empty();
  return told ? find_in_wrapper(memory, tree) : find_in_initramfs(memory, tree);
}

}  // namespace sealift::pef
