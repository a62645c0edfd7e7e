// SPDX-License-Identifier: Apache-2.0
#include "guest/image/samples_for_test.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <sys/stat.h>

#include <array>
#include <cstring>
#include <fstream>
#include <iterator>

namespace sealift::image {
namespace {

/// Sections laid one behind the other, in the order they are added.
class ElfMaker {
 public:
  explicit ElfMaker(std::uint16_t machine) : machine_{machine} { sections_.emplace_back(); }

  std::size_t add(const std::string& name, std::uint32_t type, ByteView content, std::uint32_t link = 0,
                  std::uint64_t entry_size = 0) {
    Elf64_Shdr header{};
    header.sh_name = static_cast<Elf64_Word>(names_.size());
    header.sh_type = type;
    header.sh_offset = sizeof(Elf64_Ehdr) + kSegments * sizeof(Elf64_Phdr) + content_.size();
    header.sh_size = content.size();
    header.sh_link = link;
    header.sh_entsize = entry_size;
    header.sh_addralign = 1;
    names_ += name + '\0';
    content_.insert(content_.end(), content.begin(), content.end());
    while (content_.size() % 8 != 0) content_.push_back(0);
    sections_.push_back(header);
    return sections_.size() - 1;
  }

  Bytes finish(std::size_t interpreter) {
    const auto names = add(".shstrtab", SHT_STRTAB, as_bytes(names_ + ".shstrtab" + '\0'));
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_DYN;
    header.e_machine = machine_;
    header.e_version = EV_CURRENT;
    header.e_phoff = sizeof header;
    header.e_shoff = sizeof header + kSegments * sizeof(Elf64_Phdr) + content_.size();
    header.e_ehsize = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = kSegments;
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = static_cast<Elf64_Half>(sections_.size());
    header.e_shstrndx = static_cast<Elf64_Half>(names);
    Elf64_Phdr segment{};
    segment.p_type = interpreter != 0 ? PT_INTERP : PT_NULL;
    segment.p_offset = sections_[interpreter].sh_offset;
    segment.p_filesz = sections_[interpreter].sh_size;
    Bytes out;
    append(out, &header, sizeof header);
    append(out, &segment, sizeof segment);
    out.insert(out.end(), content_.begin(), content_.end());
    append(out, sections_.data(), sections_.size() * sizeof(Elf64_Shdr));
    return out;
  }

 private:
  static constexpr std::size_t kSegments = 1;
  static void append(Bytes& out, const void* data, std::size_t size) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    out.insert(out.end(), bytes, bytes + size);
  }
  std::uint16_t machine_;
  std::vector<Elf64_Shdr> sections_;
  std::string names_ = std::string(1, '\0');
  Bytes content_;
};

void set_entry(archive_entry* out, const TreeEntry& in, std::size_t size) {
  archive_entry_set_pathname(out, in.path.c_str());
  archive_entry_set_mode(out, in.mode);
  archive_entry_set_uid(out, in.uid);
  archive_entry_set_gid(out, in.gid);
  archive_entry_set_mtime(out, in.mtime, 0);
  archive_entry_set_size(out, static_cast<la_int64_t>(size));
  archive_entry_set_rdevmajor(out, in.major);
  archive_entry_set_rdevminor(out, in.minor);
  if (!in.link_target.empty()) archive_entry_set_symlink(out, in.link_target.c_str());
  if (!in.hard_link_to.empty()) archive_entry_set_hardlink(out, in.hard_link_to.c_str());
  for (const auto& attribute : in.attributes)
    archive_entry_xattr_add_entry(out, attribute.name.c_str(), attribute.value.data(),
                                  attribute.value.size());
}

Bytes finish(archive* writer, Bytes& buffer, std::size_t used) {
  archive_write_free(writer);
  buffer.resize(used);
  return std::move(buffer);
}

}  // namespace

Bytes make_elf(const ElfSample& sample) {
  ElfMaker maker{sample.machine};
  std::size_t interpreter = 0;
  if (!sample.interpreter.empty())
    interpreter = maker.add(".interp", SHT_PROGBITS, as_bytes(sample.interpreter + '\0'));
  std::string modinfo;
  for (const auto& line : sample.modinfo) modinfo += line + '\0';
  if (!modinfo.empty()) maker.add(".modinfo", SHT_PROGBITS, as_bytes(modinfo));
  std::string names(1, '\0');
  ByteWriter dynamic;
  for (const auto& name : sample.needed) {
    dynamic.le64(DT_NEEDED).le64(names.size());
    names += name + '\0';
  }
  dynamic.le64(DT_NULL).le64(0);
  const auto strings = maker.add(".dynstr", SHT_STRTAB, as_bytes(names));
  maker.add(".dynamic", SHT_DYNAMIC, dynamic.view(), static_cast<std::uint32_t>(strings), sizeof(Elf64_Dyn));
  return maker.finish(interpreter);
}

Bytes make_kernel_image(const std::string& version) {
  Bytes image(80 << 10);
  constexpr std::size_t kVersionAt = 0x300;
  const auto put_at = [&](std::size_t offset, ByteView bytes) {
    std::copy(bytes.begin(), bytes.end(), image.begin() + static_cast<std::ptrdiff_t>(offset));
  };
  put_at(0x1fe, Bytes{0x55, 0xaa});
  put_at(0x202, as_bytes("HdrS"));
  put_at(0x20e, Bytes{(kVersionAt - 0x200) & 0xff, (kVersionAt - 0x200) >> 8});
  put_at(0x236, Bytes{1, 0});
  put_at(kVersionAt, as_bytes(version + " (builder) #1"));
  return image;
}

std::pair<TreeEntry, std::string> entry(const std::string& path, mode_t mode, const std::string& content) {
  TreeEntry out;
  out.path = path;
  out.mode = mode;
  out.mtime = 1'000'000'000;
  return {out, content};
}

Bytes make_tar(const std::vector<std::pair<TreeEntry, std::string>>& entries, const std::string& filter) {
  Bytes buffer(8 << 20);
  std::size_t used = 0;
  archive* writer = archive_write_new();
  archive_write_set_format_pax_restricted(writer);
  if (filter != "none") archive_write_add_filter_by_name(writer, filter.c_str());
  archive_write_open_memory(writer, buffer.data(), buffer.size(), &used);
  for (const auto& [in, content] : entries) {
    archive_entry* out = archive_entry_new();
    set_entry(out, in, content.size());
    archive_write_header(writer, out);
    archive_write_data(writer, content.data(), content.size());
    archive_entry_free(out);
  }
  archive_write_close(writer);
  return finish(writer, buffer, used);
}

Bytes make_debian_package(ByteView data) {
  Bytes buffer(8 << 20);
  std::size_t used = 0;
  archive* writer = archive_write_new();
  archive_write_set_format_ar_svr4(writer);
  archive_write_open_memory(writer, buffer.data(), buffer.size(), &used);
  const auto member = [&](const char* name, ByteView content) {
    archive_entry* out = archive_entry_new();
    set_entry(out, entry(name, S_IFREG | 0644).first, content.size());
    archive_write_header(writer, out);
    archive_write_data(writer, content.data(), content.size());
    archive_entry_free(out);
  };
  member("debian-binary", as_bytes("2.0\n"));
  member("data.tar", data);
  archive_write_close(writer);
  return finish(writer, buffer, used);
}

void make_kernel_tree(const std::filesystem::path& directory, const std::string& version) {
  const auto modules = directory / "lib/modules" / version;
  put(directory / "boot" / ("vmlinuz-" + version), make_kernel_image(version));
  const auto module = [&](const std::string& path, std::vector<std::string> info) {
    put(modules / "kernel" / path, make_elf({.interpreter = "", .needed = {}, .modinfo = std::move(info)}));
  };
  module("drivers/virtio/virtio.ko", {"name=virtio"});
  module("drivers/virtio/virtio_pci.ko", {"depends=virtio", "name=virtio_pci"});
  module("drivers/block/virtio_blk.ko", {"depends=virtio"});
  module("drivers/char/virtio_console.ko", {"depends=virtio"});
  module("drivers/md/dm-mod.ko", {});
  module("drivers/md/dm-crypt.ko", {"depends=dm-mod"});
  module("crypto/xts.ko", {"softdep=pre: ecb"});
  module("crypto/ecb.ko", {});
  module("crypto/cryptd.ko", {});
  module("crypto/aesni-intel.ko", {"depends=cryptd"});
  module("drivers/net/unrelated.ko", {});
  put(modules / "modules.builtin", as_bytes("kernel/fs/ext4/ext4.ko\nkernel/crypto/aes_generic.ko\n"));
}

std::vector<std::pair<TreeEntry, std::string>> root_tree() {
  const auto elf = [](const std::string& path, const ElfSample& sample) {
    return entry(path, S_IFREG | 0755, std::string{as_text(make_elf(sample))});
  };
  auto link = entry("sbin", S_IFLNK | 0777);
  link.first.link_target = "usr/sbin";
  return {
      entry("", S_IFDIR | 0755),
      entry("usr", S_IFDIR | 0755),
      entry("usr/sbin", S_IFDIR | 0755),
      link,
      elf("usr/sbin/cryptsetup", {.interpreter = "/lib64/ld.so", .needed = {"libone.so.1"}, .modinfo = {}}),
      entry("lib64", S_IFDIR | 0755),
      elf("lib64/ld.so", {.interpreter = "", .needed = {}, .modinfo = {}}),
      entry("usr/lib", S_IFDIR | 0755),
      elf("usr/lib/libone.so.1", {.interpreter = "", .needed = {"libtwo.so.2"}, .modinfo = {}}),
      elf("usr/lib/libtwo.so.2", {.interpreter = "", .needed = {"libone.so.1"}, .modinfo = {}})};
}

void put(const std::filesystem::path& file, ByteView content) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream{file, std::ios::binary} << as_text(content);
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace sealift::image
