// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/guest/memory.h"

#include <fmt/core.h>
#include <sys/mman.h>

#include <algorithm>

#include "base/file.h"

namespace sealift::pef {

bool Range::overlaps(const Range& other) const noexcept {
  if (size == 0 || other.size == 0) return false;
  return start <= other.start ? other.start - start < size : start - other.start < other.size;
}

Result<GuestMemory> GuestMemory::map(int fd) {
  SEALIFT_TRY(const auto size, file_size(fd));
  void* const address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) return fail_errno("map the guest's memory");
  GuestMemory memory{{static_cast<std::uint8_t*>(address), size}};
  memory.mapping_ = std::shared_ptr<void>{address, [size](void* mapped) { ::munmap(mapped, size); }};
  return memory;
}

Result<std::span<std::uint8_t>> GuestMemory::at(const Range& range, std::string_view what) const {
  if (range.start <= bytes_.size() && range.size <= bytes_.size() - range.start)
    return bytes_.subspan(range.start, range.size);
  return fail(ErrorCode::malformed,
              fmt::format("{} bytes at {:#x} are not in the guest's {} MiB of memory", range.size,
                          range.start, bytes_.size() >> 20U),
              std::string{what});
}

Result<ByteView> GuestMemory::view(const Range& range, std::string_view what) const {
  SEALIFT_TRY(const auto bytes, at(range, what));
  return ByteView{bytes};
}

Status GuestMemory::write(std::uint64_t address, ByteView bytes, std::string_view what) {
  SEALIFT_TRY(const auto place, at({address, bytes.size()}, what));
  std::ranges::copy(bytes, place.begin());
  return {};
}

}  // namespace sealift::pef
