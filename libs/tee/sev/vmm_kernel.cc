// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/vmm_kernel.h"

#include <algorithm>

namespace sealift::sev {
namespace {

constexpr std::size_t kHeaderEnd = 0x238;
constexpr std::uint32_t kHeaderMagic = 0x53726448;  // "HdrS" at 0x202
constexpr std::uint32_t kCmdlineAddress = 0x20000;
constexpr std::uint32_t kRealModeAddress = 0x10000;
constexpr std::uint32_t kAcpiData = 0x28000;  // what QEMU keeps free at the end of low memory
constexpr std::uint32_t kPage = 4096;

std::uint32_t le(ByteView bytes, std::size_t offset, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= std::uint32_t{bytes[offset + i]} << (8 * i);
  return value;
}
void put(Bytes& bytes, std::size_t offset, std::size_t size, std::uint32_t value) {
  for (std::size_t i = 0; i < size; ++i) bytes[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

/// The highest address that the kernel takes an initrd at.
std::uint32_t initrd_limit(ByteView kernel, std::uint32_t protocol) {
  constexpr std::uint32_t kAbove4G = 2;  // xloadflags, XLF_CAN_BE_LOADED_ABOVE_4G
  if (protocol >= 0x20c && (le(kernel, 0x236, 2) & kAbove4G) != 0) return UINT32_MAX;
  return protocol >= 0x203 ? le(kernel, 0x22c, 4) : 0x37ffffff;
}

}  // namespace

Bytes kernel_as_qemu_edits(ByteView kernel, std::uint32_t initrd_size, std::uint32_t low_memory) {
  auto edited = to_bytes(kernel);
  if (kernel.size() < kHeaderEnd || le(kernel, 0x202, 4) != kHeaderMagic) return edited;
  const auto protocol = le(kernel, 0x206, 2);
  if (protocol < 0x202) return edited;
  put(edited, 0x228, 4, kCmdlineAddress);
  put(edited, 0x210, 1, 0xB0);                          // QEMU
  put(edited, 0x211, 1, le(kernel, 0x211, 1) | 0x80U);  // CAN_USE_HEAP
  put(edited, 0x224, 2, kCmdlineAddress - kRealModeAddress - 0x200);
  if (initrd_size != 0 && low_memory > kAcpiData) {
    const auto top = std::min(initrd_limit(kernel, protocol), low_memory - kAcpiData - 1);
    put(edited, 0x218, 4, (top - std::min(top, initrd_size)) & ~(kPage - 1));
    put(edited, 0x21c, 4, initrd_size);
  }
  return edited;
}

}  // namespace sealift::sev
