// SPDX-License-Identifier: Apache-2.0
#include "guest/image/flat_kernel.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/file.h"

namespace sealift::image {
namespace {

constexpr std::size_t kHeaderSize = 64;
constexpr std::size_t kProgramHeaderSize = 56;
constexpr std::size_t kSectionHeaderSize = 64;

/// The numbers of an ELF file, in its own byte order (System V ABI, chapter 4).
class ElfReader {
 public:
  ElfReader(ByteView bytes, bool little_endian) : reader_{bytes}, little_{little_endian} {}
  Result<std::uint16_t> half() { return little_ ? reader_.le16() : reader_.be16(); }
  Result<std::uint32_t> word() { return little_ ? reader_.le32() : reader_.be32(); }
  Result<std::uint64_t> xword() { return little_ ? reader_.le64() : reader_.be64(); }
  Status skip(std::size_t count) {
    SEALIFT_CHECK(reader_.take(count));
    return {};
  }

 private:
  ByteReader reader_;
  bool little_;
};

struct Header {
  bool little_endian = false;
  std::uint64_t program_headers = 0;
  std::uint64_t section_headers = 0;
  std::uint16_t program_count = 0;
  std::uint16_t section_count = 0;
};
struct Segment {
  std::uint64_t offset;
  std::uint64_t address;  ///< physical
  std::uint64_t file_size;
};
struct Section {
  std::uint64_t offset;
  std::uint64_t address;  ///< where it is loaded
  std::uint64_t size;
};

Result<Header> read_header(ByteView bytes) {
  if (bytes[EI_CLASS] != ELFCLASS64) return fail(ErrorCode::unsupported, "the kernel is no 64-bit ELF");
  Header header;
  header.little_endian = bytes[EI_DATA] == ELFDATA2LSB;
  ElfReader reader{bytes, header.little_endian};
  SEALIFT_CHECK(reader.skip(EI_NIDENT + 16));  // e_type, e_machine, e_version, e_entry
  SEALIFT_TRY(header.program_headers, reader.xword());
  SEALIFT_TRY(header.section_headers, reader.xword());
  SEALIFT_CHECK(reader.skip(6));  // e_flags, e_ehsize
  SEALIFT_TRY(const auto program_size, reader.half());
  SEALIFT_TRY(header.program_count, reader.half());
  SEALIFT_TRY(const auto section_size, reader.half());
  SEALIFT_TRY(header.section_count, reader.half());
  if (program_size != kProgramHeaderSize || section_size != kSectionHeaderSize || header.section_count == 0) {
    return fail(ErrorCode::malformed, "the kernel's ELF header does not describe its sections");
  }
  return header;
}

Result<Bytes> read_table(int fd, std::uint64_t offset, std::size_t count, std::size_t entry_size) {
  Bytes table(count * entry_size);
  SEALIFT_CHECK(pread_exact(fd, table, offset));
  return table;
}

Result<std::vector<Segment>> read_segments(int fd, const Header& header) {
  SEALIFT_TRY(const auto table,
              read_table(fd, header.program_headers, header.program_count, kProgramHeaderSize));
  std::vector<Segment> segments;
  for (std::size_t i = 0; i < header.program_count; ++i) {
    ElfReader reader{ByteView{table}.subspan(i * kProgramHeaderSize), header.little_endian};
    Segment segment{};
    SEALIFT_TRY(const auto type, reader.word());
    SEALIFT_CHECK(reader.skip(4));  // p_flags
    SEALIFT_TRY(segment.offset, reader.xword());
    SEALIFT_CHECK(reader.skip(8));  // p_vaddr
    SEALIFT_TRY(segment.address, reader.xword());
    SEALIFT_TRY(segment.file_size, reader.xword());
    if (type == PT_LOAD) segments.push_back(segment);
  }
  return segments;
}

/// Where a section is loaded: its place in the segment that holds it.
Result<std::uint64_t> load_address(const std::vector<Segment>& segments, std::uint64_t offset,
                                   std::uint64_t size) {
  for (const auto& segment : segments) {
    const bool within = offset >= segment.offset && size <= segment.file_size &&
                        offset - segment.offset <= segment.file_size - size;
    if (within) return segment.address + (offset - segment.offset);
  }
  return fail(ErrorCode::malformed, "the kernel has a section that no segment loads");
}

Result<std::vector<Section>> read_sections(int fd, const Header& header,
                                           const std::vector<Segment>& segments) {
  SEALIFT_TRY(const auto table,
              read_table(fd, header.section_headers, header.section_count, kSectionHeaderSize));
  std::vector<Section> sections;
  for (std::size_t i = 0; i < header.section_count; ++i) {
    ElfReader reader{ByteView{table}.subspan(i * kSectionHeaderSize), header.little_endian};
    Section section{};
    SEALIFT_CHECK(reader.skip(4));  // sh_name
    SEALIFT_TRY(const auto type, reader.word());
    SEALIFT_TRY(const auto flags, reader.xword());
    SEALIFT_CHECK(reader.skip(8));  // sh_addr
    SEALIFT_TRY(section.offset, reader.xword());
    SEALIFT_TRY(section.size, reader.xword());
    if ((flags & SHF_ALLOC) == 0 || type == SHT_NOBITS || section.size == 0) continue;
    SEALIFT_TRY(section.address, load_address(segments, section.offset, section.size));
    sections.push_back(section);
  }
  if (sections.empty()) return fail(ErrorCode::malformed, "the kernel has nothing to load");
  std::ranges::sort(sections, {}, &Section::address);
  return sections;
}

Result<FlatKernel> flatten(int fd, const std::vector<Section>& sections) {
  const auto start = sections.front().address;
  Bytes flat;
  for (const auto& section : sections) {
    const auto place = section.address - start;
    if (section.size > kFlatKernelLimit || place > kFlatKernelLimit - section.size) {
      return fail(ErrorCode::too_large, "the kernel's flat binary is larger than 256 MiB");
    }
    if (place < flat.size()) return fail(ErrorCode::malformed, "the kernel has overlapping sections");
    flat.resize(place + section.size);
    SEALIFT_CHECK(pread_exact(fd, std::span{flat}.subspan(place), section.offset));
  }
  return FlatKernel{crypto::digest(crypto::HashAlgorithm::sha512, flat),
                    static_cast<std::uint32_t>(flat.size())};
}

}  // namespace

Result<std::optional<FlatKernel>> flat_kernel_digest(int fd) {
  SEALIFT_TRY(const auto size, file_size(fd));
  Bytes bytes(std::min<std::uint64_t>(size, kHeaderSize));
  SEALIFT_CHECK(pread_exact(fd, bytes, 0));
  if (bytes.size() < kHeaderSize || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0) return std::nullopt;
  SEALIFT_TRY(const auto header, read_header(bytes));
  SEALIFT_TRY(const auto segments, read_segments(fd, header));
  SEALIFT_TRY(const auto sections, read_sections(fd, header, segments));
  SEALIFT_TRY(const auto flat, flatten(fd, sections));
  return flat;
}

}  // namespace sealift::image
