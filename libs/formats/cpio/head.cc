// SPDX-License-Identifier: Apache-2.0
#include "formats/cpio/head.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "formats/cpio/writer.h"

namespace sealift::cpio {
namespace {

constexpr std::string_view kMagic = "070701";
constexpr std::string_view kTrailer = "TRAILER!!!";
constexpr std::array<std::uint8_t, 4> kFdtMagic{0xd0, 0x0d, 0xfe, 0xed};
constexpr std::array<std::string_view, 4> kDirectories{".", "opt", "opt/ibm", "opt/ibm/pef"};

struct Member {
  std::string name;
  std::uint32_t mode;
  std::size_t content_offset;
  std::size_t size;
};

Result<std::uint32_t> hex_field(ByteReader& reader) {
  SEALIFT_TRY(const auto digits, reader.take(8));
  const auto bytes = from_hex(as_text(digits));
  if (!bytes) return fail(ErrorCode::operand_malformed, "a number in the head archive is not hexadecimal");
  return ByteReader{*bytes}.be32();
}

std::size_t aligned(std::size_t offset, std::size_t multiple) {
  return (offset + multiple - 1) / multiple * multiple;
}

/// Moves on to the next multiple of four; the bytes skipped are zero.
Status skip_padding(ByteReader& reader) {
  SEALIFT_TRY(const auto padding, reader.take(aligned(reader.position(), 4) - reader.position()));
  if (std::ranges::any_of(padding, [](auto byte) { return byte != 0; })) {
    return fail(ErrorCode::operand_malformed, "bytes between the entries of the head archive", "padding");
  }
  return {};
}

Result<std::string> read_name(ByteReader& reader, std::uint32_t size) {
  if (size < 2 || size > kMaxNameSize) {
    return fail(ErrorCode::operand_malformed, fmt::format("a name of {} bytes in the head archive", size),
                "name");
  }
  SEALIFT_TRY(const auto name, reader.take(size));
  if (std::ranges::find(name, 0) != name.end() - 1) {
    return fail(ErrorCode::operand_malformed, "a name in the head archive does not end where its length says",
                "name");
  }
  return std::string{as_text(name.first(size - 1))};
}

/// One header, name and padding. The content is not consumed.
Result<Member> read_member(ByteReader& reader) {
  SEALIFT_TRY(const auto magic, reader.take(kMagic.size()));
  if (as_text(magic) != kMagic) {
    return fail(ErrorCode::operand_malformed, "the head archive does not go on as a newc archive", "magic");
  }
  std::array<std::uint32_t, 13> fields{};
  for (auto& field : fields) {
    SEALIFT_TRY(field, hex_field(reader));
  }
  Member member{};
  member.mode = fields[1];
  member.size = fields[6];
  SEALIFT_TRY(member.name, read_name(reader, fields[11]));
  SEALIFT_CHECK(skip_padding(reader));
  member.content_offset = reader.position();
  return member;
}

bool is_head_directory(const Member& member) {
  return S_ISDIR(member.mode) && member.size == 0 &&
         std::ranges::find(kDirectories, std::string_view{member.name}) != kDirectories.end();
}

bool is_operand_member(const Member& member) {
  if (!S_ISREG(member.mode) || !member.name.starts_with(kOperandDirectory)) return false;
  const auto file = std::string_view{member.name}.substr(kOperandDirectory.size());
  return !file.empty() && file != "." && file != ".." && file.find('/') == std::string_view::npos;
}

/// The operand begins at the first FDT magic on a 4-byte boundary, as the ultravisor finds it.
Result<OperandPlace> place_in(const Member& member, ByteView content) {
  for (std::size_t skip = 0; skip + kFdtMagic.size() <= content.size(); skip += 4) {
    if (std::ranges::equal(content.subspan(skip, kFdtMagic.size()), kFdtMagic)) {
      return OperandPlace{member.content_offset + skip, content.size() - skip, 0};
    }
  }
  return fail(ErrorCode::operand_malformed, fmt::format("{}: no device tree in it", member.name),
              member.name);
}

Result<std::size_t> read_trailer(ByteReader& reader, const Member& trailer) {
  if (trailer.size != 0) return fail(ErrorCode::operand_malformed, "the trailer has content", trailer.name);
  const auto end = aligned(reader.position(), kBlockSize);
  SEALIFT_TRY(const auto padding, reader.take(end - reader.position()));
  if (std::ranges::any_of(padding, [](auto byte) { return byte != 0; })) {
    return fail(ErrorCode::operand_malformed, "bytes after the head archive's trailer", "padding");
  }
  return end;
}

Result<OperandPlace> read_archive(ByteView prefix) {
  ByteReader reader{prefix};
  std::optional<OperandPlace> place;
  for (;;) {
    SEALIFT_TRY(const auto member, read_member(reader));
    if (member.name == kTrailer) {
      if (!place)
        return fail(ErrorCode::operand_missing, "the first archive of the initramfs holds no operand");
      SEALIFT_TRY(place->rest_offset, read_trailer(reader, member));
      return *place;
    }
    if (is_head_directory(member)) continue;
    if (place) {
      return fail(ErrorCode::operand_malformed,
                  fmt::format("the head archive holds '{}', which no digest covers", member.name),
                  member.name);
    }
    if (!is_operand_member(member)) {
      return fail(ErrorCode::operand_missing,
                  fmt::format("the initramfs starts with '{}', not with an operand", member.name),
                  member.name);
    }
    SEALIFT_TRY(const auto content, reader.take(member.size));
    SEALIFT_TRY(place, place_in(member, content));
    SEALIFT_CHECK(skip_padding(reader));
  }
}

}  // namespace

Result<Bytes> make_head(ByteView operand) {
  if (operand.size() > kMaxHeadSize - kBlockSize * 4) {
    return fail(ErrorCode::too_large,
                fmt::format("an operand of {} bytes does not fit into a head", operand.size()));
  }
  Writer writer;
  Bytes out;
  const auto append = [&out](const Bytes& part) { out.insert(out.end(), part.begin(), part.end()); };
  for (const auto directory : {"opt", "opt/ibm", "opt/ibm/pef"}) {
    SEALIFT_TRY(const auto entry, writer.whole({.name = directory, .mode = S_IFDIR | 0755}));
    append(entry);
  }
  SEALIFT_TRY(const auto entry,
              writer.whole({.name = std::string{kOperandMember}, .mode = S_IFREG | 0444}, operand));
  append(entry);
  append(writer.finish());
  return out;
}

Result<OperandPlace> find_operand(ByteView prefix) {
  prefix = prefix.first(std::min(prefix.size(), kMaxHeadSize));
  const auto start = as_text(prefix.first(std::min(prefix.size(), kMagic.size())));
  if (start.empty() || !kMagic.starts_with(start)) {
    return fail(ErrorCode::operand_missing, "the initramfs does not start with a newc archive");
  }
  auto place = read_archive(prefix);
  if (!place && place.error().code == ErrorCode::truncated && prefix.size() == kMaxHeadSize) {
    return fail(ErrorCode::too_large, fmt::format("the head archive is larger than {} bytes", kMaxHeadSize));
  }
  return place;
}

Result<Head> read_head(const std::function<Result<Bytes>(std::size_t)>& read_prefix) {
  SEALIFT_TRY(auto bytes, read_prefix(kUsualHeadSize));
  auto place = find_operand(bytes);
  if (!place && place.error().code == ErrorCode::truncated && bytes.size() >= kUsualHeadSize) {
    SEALIFT_TRY(bytes, read_prefix(kMaxHeadSize));
    place = find_operand(bytes);
  }
  if (!place) return tl::unexpected(place.error());
  bytes.resize(place->rest_offset);
  return Head{std::move(bytes), *place};
}

Result<Head> read_head(ByteView file) {
  return read_head([file](std::size_t limit) -> Result<Bytes> {
    return to_bytes(file.first(std::min(limit, file.size())));
  });
}

}  // namespace sealift::cpio
