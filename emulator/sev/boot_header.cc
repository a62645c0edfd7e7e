// SPDX-License-Identifier: Apache-2.0
#include "emulator/sev/boot_header.h"

#include <algorithm>

namespace sealift::emulator {
namespace {

// Linux: Documentation/arch/x86/boot.rst. Little-endian.
constexpr std::size_t kMagic = 0x202;
constexpr std::size_t kProtocol = 0x206;
constexpr std::size_t kLoaderType = 0x210;
constexpr std::size_t kLoadFlags = 0x211;
constexpr std::size_t kInitrdAddress = 0x218;
constexpr std::size_t kInitrdSize = 0x21c;
constexpr std::size_t kHeapEnd = 0x224;
constexpr std::size_t kCmdlineAddress = 0x228;
constexpr std::size_t kInitrdMax = 0x22c;
constexpr std::size_t kXLoadFlags = 0x236;
constexpr std::size_t kHeaderEnd = 0x268;
constexpr std::uint32_t kHdrS = 0x53726448;
constexpr std::uint32_t kOldestProtocol = 0x20c;

// QEMU's own choices.
constexpr std::uint32_t kRealModeCode = 0x10000;
constexpr std::uint32_t kCmdlinePlace = 0x20000;
constexpr std::uint32_t kQemuLoader = 0xB0;
constexpr std::uint32_t kCanUseHeap = 0x80;
constexpr std::uint32_t kAbove4g = 2;
constexpr std::uint64_t kAcpiData = 0x28000;
// hw/i386/pc_q35.c: below the first hole.
constexpr std::uint64_t kLowMemory = 0xB0000000;
constexpr std::uint64_t kLowMemoryOfLarge = 0x80000000;

std::uint32_t get(ByteView bytes, std::size_t offset, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i > 0; --i) value = value << 8U | bytes[offset + i - 1];
  return value;
}
void put(Bytes& bytes, std::size_t offset, std::uint32_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes[offset + i] = static_cast<std::uint8_t>(value >> 8 * i);
}

}  // namespace

Result<Bytes> kernel_as_loaded(ByteView kernel, std::uint64_t initrd_size, std::uint64_t memory) {
  if (kernel.size() < kHeaderEnd || get(kernel, kMagic, 4) != kHdrS ||
      get(kernel, kProtocol, 2) < kOldestProtocol)
    return fail(ErrorCode::malformed, "the kernel is no bzImage that QEMU loads", "kernel");
  auto loaded = to_bytes(kernel);
  put(loaded, kCmdlineAddress, kCmdlinePlace, 4);
  put(loaded, kLoaderType, kQemuLoader, 1);
  put(loaded, kLoadFlags, get(kernel, kLoadFlags, 1) | kCanUseHeap, 1);
  put(loaded, kHeapEnd, kCmdlinePlace - kRealModeCode - 0x200, 2);
  if (initrd_size == 0) return loaded;
  const auto low = memory >= kLowMemory ? kLowMemoryOfLarge : memory;
  std::uint64_t most =
      (get(kernel, kXLoadFlags, 2) & kAbove4g) != 0 ? 0xffffffff : get(kernel, kInitrdMax, 4);
  if (low > kAcpiData) most = std::min(most, low - kAcpiData - 1);
  if (initrd_size >= most)
    return fail(ErrorCode::too_large, "the initramfs does not fit into the memory", "-m");
  constexpr std::uint64_t kPageMask = ~std::uint64_t{4095};
  put(loaded, kInitrdAddress, static_cast<std::uint32_t>((most - initrd_size) & kPageMask), 4);
  put(loaded, kInitrdSize, static_cast<std::uint32_t>(initrd_size), 4);
  return loaded;
}

}  // namespace sealift::emulator
