// SPDX-License-Identifier: Apache-2.0
#include "guest/image/elf_file.h"

#include <gelf.h>
#include <libelf.h>

#include <memory>

namespace sealift::image {
namespace {

struct ElfCloser {
  void operator()(Elf* elf) const noexcept { elf_end(elf); }
};

std::string arch_of(const GElf_Ehdr& header) {
  const bool little = header.e_ident[EI_DATA] == ELFDATA2LSB && header.e_ident[EI_CLASS] == ELFCLASS64;
  if (little && header.e_machine == EM_X86_64) return "x86_64";
  if (little && header.e_machine == EM_PPC64) return "ppc64le";
  return "";
}

/// The text of the segment PT_INTERP.
std::string interpreter_of(Elf* elf, ByteView content) {
  std::size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return "";
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment{};
    if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr || segment.p_type != PT_INTERP) continue;
    if (segment.p_offset > content.size() || segment.p_filesz > content.size() - segment.p_offset) return "";
    const auto text = as_text(content.subspan(segment.p_offset, segment.p_filesz));
    return std::string{text.substr(0, text.find('\0'))};
  }
  return "";
}

void read_dynamic(Elf* elf, Elf_Scn* section, const GElf_Shdr& header, ElfFile& file) {
  Elf_Data* data = elf_getdata(section, nullptr);
  if (data == nullptr || header.sh_entsize == 0) return;
  for (std::size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
    GElf_Dyn entry{};
    if (gelf_getdyn(data, static_cast<int>(i), &entry) == nullptr || entry.d_tag == DT_NULL) return;
    if (entry.d_tag != DT_NEEDED) continue;
    const char* name = elf_strptr(elf, header.sh_link, entry.d_un.d_val);
    if (name != nullptr) file.needed.emplace_back(name);
  }
}

}  // namespace

Result<ElfFile> read_elf(ByteView content, const std::string& path) {
  elf_version(EV_CURRENT);
  Bytes copy = to_bytes(content);  // libelf wants to be able to write
  const std::unique_ptr<Elf, ElfCloser> elf{elf_memory(reinterpret_cast<char*>(copy.data()), copy.size())};
  GElf_Ehdr header{};
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr)
    return fail(ErrorCode::malformed, path + " is no program or library", path);
  ElfFile file{.arch = arch_of(header), .interpreter = interpreter_of(elf.get(), content), .needed = {}};
  for (Elf_Scn* section = elf_nextscn(elf.get(), nullptr); section != nullptr;
       section = elf_nextscn(elf.get(), section)) {
    GElf_Shdr section_header{};
    if (gelf_getshdr(section, &section_header) != nullptr && section_header.sh_type == SHT_DYNAMIC)
      read_dynamic(elf.get(), section, section_header, file);
  }
  return file;
}

}  // namespace sealift::image
