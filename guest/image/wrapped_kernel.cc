// SPDX-License-Identifier: Apache-2.0
#include "guest/image/wrapped_kernel.h"

#include <fmt/core.h>
#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <memory>

namespace sealift::image {
namespace {

struct ElfCloser {
  void operator()(Elf* elf) const noexcept { elf_end(elf); }
};

struct Place {
  std::uint64_t offset;
  std::uint64_t size;
};

/// Where the section's bytes are in the file.
Result<Place> operand_section(Bytes& wrapper) {
  elf_version(EV_CURRENT);
  const std::unique_ptr<Elf, ElfCloser> elf{
      elf_memory(reinterpret_cast<char*>(wrapper.data()), wrapper.size())};
  std::size_t names = 0;
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF || elf_getshdrstrndx(elf.get(), &names) != 0)
    return fail(ErrorCode::malformed, "the kernel is no ELF file", "kernel");
  for (Elf_Scn* section = elf_nextscn(elf.get(), nullptr); section != nullptr;
       section = elf_nextscn(elf.get(), section)) {
    GElf_Shdr header{};
    if (gelf_getshdr(section, &header) == nullptr) continue;
    const char* const name = elf_strptr(elf.get(), names, header.sh_name);
    if (name == nullptr || name != kOperandSection || header.sh_type == SHT_NOBITS) continue;
    if (header.sh_offset > wrapper.size() || header.sh_size > wrapper.size() - header.sh_offset)
      return fail(ErrorCode::malformed, "the kernel's section for the operand lies outside of it", "kernel");
    return Place{header.sh_offset, header.sh_size};
  }
  return fail(ErrorCode::unsupported,
              fmt::format("the kernel has no section {}: wrap it with room for an operand", kOperandSection),
              "kernel");
}

}  // namespace

Result<Bytes> with_operand(ByteView wrapper, ByteView operand) {
  auto changed = to_bytes(wrapper);
  SEALIFT_TRY(const auto place, operand_section(changed));
  if (operand.size() > place.size) {
    return fail(ErrorCode::operand_full,
                fmt::format("the operand has {} bytes, the kernel room for {}", operand.size(), place.size),
                "operand");
  }
  const auto room = std::span{changed}.subspan(place.offset, place.size);
  std::ranges::fill(std::ranges::copy(operand, room.begin()).out, room.end(), std::uint8_t{0});
  return changed;
}

}  // namespace sealift::image
