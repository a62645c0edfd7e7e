// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/gdb/packets.h"

#include <fmt/core.h>

namespace sealift::pef {
namespace {

constexpr std::size_t kChecksumSize = 2;

std::uint8_t checksum(std::string_view data) {
  unsigned sum = 0;
  for (const char c : data) sum += static_cast<std::uint8_t>(c);
  return static_cast<std::uint8_t>(sum);
}

tl::unexpected<Error> refuse(const std::string& what) {
  return fail(ErrorCode::malformed, "QEMU's debugging port: " + what, "gdb");
}

}  // namespace

std::string frame_packet(std::string_view data) { return fmt::format("${}#{:02x}", data, checksum(data)); }

Status PacketReader::feed(ByteView bytes) {
  if (bytes.size() > kMaxPacket - std::min(kMaxPacket, buffer_.size()))
    return fail(ErrorCode::too_large, "QEMU's debugging port sent a packet without an end", "gdb");
  buffer_ += as_text(bytes);
  return {};
}

Result<std::optional<std::string>> PacketReader::next() {
  const auto start = buffer_.find_first_not_of('+');  // acknowledgements
  buffer_.erase(0, std::min(start, buffer_.size()));
  if (buffer_.empty()) return std::optional<std::string>{};
  if (buffer_.front() != '$') return refuse("bytes that belong to no packet");
  const auto end = buffer_.find('#');
  if (end == std::string::npos || buffer_.size() - end <= kChecksumSize) return std::optional<std::string>{};
  auto data = buffer_.substr(1, end - 1);
  const auto sum = from_hex(std::string_view{buffer_}.substr(end + 1, kChecksumSize));
  buffer_.erase(0, end + 1 + kChecksumSize);
  if (!sum || sum->front() != checksum(data)) return refuse("a packet with a wrong checksum");
  return std::optional{std::move(data)};
}

Result<std::string> unescape_packet(std::string_view data) {
  std::string plain;
  plain.reserve(data.size());
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data[i] != '}') {
      plain += data[i];
      continue;
    }
    if (++i == data.size()) return refuse("an escape at the end of a packet");
    plain += static_cast<char>(data[i] ^ 0x20);
  }
  return plain;
}

}  // namespace sealift::pef
