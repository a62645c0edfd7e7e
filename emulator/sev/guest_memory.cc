// SPDX-License-Identifier: Apache-2.0
#include "emulator/sev/guest_memory.h"

#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

namespace sealift::emulator {
namespace {

/// hw/i386/pc_q35.c: what lies below the first hole, whatever the size of the memory.
constexpr std::uint64_t kContiguous = 0x80000000;

}  // namespace

Result<GuestMemory> GuestMemory::create(std::uint64_t size) {
  UniqueFd fd{::memfd_create("sealift-guest-memory", MFD_CLOEXEC)};
  if (!fd) return fail_errno("memfd_create");
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return fail_errno("make the guest's memory");
  void* const map = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (map == MAP_FAILED) return fail_errno("map the guest's memory");
  return GuestMemory{std::move(fd), {static_cast<std::uint8_t*>(map), size}};
}

GuestMemory::~GuestMemory() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

Result<std::span<std::uint8_t>> GuestMemory::at(std::uint64_t address, std::uint64_t size) const {
  const auto end = std::min<std::uint64_t>(bytes_.size(), kContiguous);
  if (address >= end || size > end - address)
    return fail(ErrorCode::invalid_argument, fmt::format("No memory is mapped at address 0x{:x}", address),
                "gpa");
  return bytes_.subspan(address, size);
}

}  // namespace sealift::emulator
