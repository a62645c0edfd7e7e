// SPDX-License-Identifier: Apache-2.0
/// Packets of GDB's remote serial protocol: `$data#checksum`, acknowledged by '+'. Pure; what QEMU sends is
/// bounded and checked like anybody's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace sealift::pef {

inline constexpr std::size_t kMaxPacket = 64U << 10U;

/// "$g#67"
std::string frame_packet(std::string_view data);

class PacketReader {
 public:
  /// What came. too_large where a packet does not end in time.
  Status feed(ByteView bytes);
  /// The next whole packet's data, if there is one. malformed for a wrong checksum and for bytes that belong
  /// to no packet.
  Result<std::optional<std::string>> next();

 private:
  std::string buffer_;
};

/// Binary data: '}' stands before a byte whose bit 5 is flipped. malformed where it is the last one.
Result<std::string> unescape_packet(std::string_view data);

}  // namespace sealift::pef
