// SPDX-License-Identifier: Apache-2.0
#include "formats/cpio/writer.h"

#include <fmt/core.h>

#include <limits>
#include <string_view>

namespace sealift::cpio {
namespace {

constexpr std::string_view kTrailer = "TRAILER!!!";

std::size_t padding_to(std::uint64_t offset, std::uint64_t multiple) {
  return static_cast<std::size_t>((multiple - offset % multiple) % multiple);
}

/// The 110-byte header, the name with its NUL, and zeros up to a multiple of four.
Bytes header(const Entry& entry, std::uint32_t inode, std::uint32_t links) {
  const auto text =
      fmt::format("070701{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}",
                  inode, entry.mode, entry.uid, entry.gid, links, entry.mtime, entry.size, 0, 0,
                  entry.rdev_major, entry.rdev_minor, entry.name.size() + 1, 0);
  Bytes out = to_bytes(as_bytes(text));
  out.insert(out.end(), entry.name.begin(), entry.name.end());
  out.push_back(0);
  out.resize(out.size() + padding_to(out.size(), 4));
  return out;
}

Status check(const Entry& entry) {
  const auto& name = entry.name;
  if (name.empty() || name.front() == '/' || name.size() >= kMaxNameSize || name == kTrailer ||
      name.find('\0') != std::string::npos) {
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' cannot be a name in an archive", name),
                "name");
  }
  if (entry.size > std::numeric_limits<std::uint32_t>::max()) {
    return fail(ErrorCode::too_large, fmt::format("{}: a newc archive holds files below 4 GiB", name), name);
  }
  return {};
}

}  // namespace

Result<Bytes> Writer::begin(const Entry& entry) {
  SEALIFT_CHECK(check(entry));
  auto out = header(entry, next_inode_++, 1);
  offset_ += out.size() + entry.size;
  return out;
}

Bytes Writer::end() {
  Bytes out(padding_to(offset_, 4));
  offset_ += out.size();
  return out;
}

Result<Bytes> Writer::whole(Entry entry, ByteView content) {
  entry.size = content.size();
  SEALIFT_TRY(auto out, begin(entry));
  out.insert(out.end(), content.begin(), content.end());
  const auto padding = end();
  out.insert(out.end(), padding.begin(), padding.end());
  return out;
}

Bytes Writer::finish() {
  auto out = header({.name = std::string{kTrailer}}, 0, 1);
  out.resize(out.size() + padding_to(offset_ + out.size(), kBlockSize));
  offset_ += out.size();
  return out;
}

}  // namespace sealift::cpio
