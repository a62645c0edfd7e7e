// SPDX-License-Identifier: Apache-2.0
/// Secrets on their way through the host into the PSP (AMD 55766, 6.6 LAUNCH_SECRET).
///
/// Header, 52 bytes: flags u32 (bit 0: compressed) | IV[16] | MAC[32]. Data: AES-128-CTR(TEK, IV).
///   MAC = HMAC-SHA256(TIK, 0x01 | flags | IV | guest length u32 | transport length u32 | data |
///   measurement[32])
/// with the HMAC of the launch measurement, so that it counts for that launch alone. Firmware of an API below
/// 0.17 leaves the measurement out.
#pragma once

#include <optional>

#include "tee/sev/measurement.h"

namespace sealift::sev {

inline constexpr std::size_t kPacketHeaderSize = 52;
using PacketHeader = std::array<std::uint8_t, kPacketHeaderSize>;
using PacketIv = std::array<std::uint8_t, 16>;

struct SecretPacket {
  PacketHeader header;
  Bytes payload;
};

/// `api` decides whether the measurement is bound in. `plaintext` is a multiple of 16 bytes, at most 16 KiB:
/// what write_secret_table() gives.
SecretPacket seal_packet(const TransportKeys& keys, const Measurement& measurement, ByteView plaintext,
                         ApiVersion api = kContextApi);
/// For comparing with other programs alone: two packets under one IV and TEK give both secrets away.
SecretPacket seal_packet_insecure_iv(const TransportKeys& keys, const Measurement& measurement,
                                     ByteView plaintext, const PacketIv& iv, ApiVersion api = kContextApi);

/// The PSP's side. truncated or malformed at "packet.header"; malformed at "packet.payload" unless that is 16
/// bytes to 16 KiB, in sixteens; unsupported at "packet.flags"; authentication_failed at "packet.mac".
Result<SecretBytes> open_packet(const TransportKeys& keys, const Measurement& measurement, ByteView header,
                                ByteView payload, ApiVersion api = kContextApi);

}  // namespace sealift::sev
