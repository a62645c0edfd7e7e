// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/secret_packet.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>

#include "crypto/cipher.h"
#include "crypto/random.h"
#include "tee/sev/numbers.h"
#include "tee/sev/secret_table.h"

namespace sealift::sev {
namespace {

constexpr std::size_t kBlock = 16;
constexpr std::size_t kMacOffset = 20;

bool is_packet_size(std::size_t size) {
  return size != 0 && size % kBlock == 0 && size <= kSecretPacketLimit;
}

/// `head` is flags and IV.
crypto::Digest packet_mac(const TransportKey& tik, ByteView head, ByteView payload,
                          const Measurement& measurement, ApiVersion api) {
  constexpr std::array<std::uint8_t, 1> kContext{0x01};
  const auto size = le32_bytes(static_cast<std::uint32_t>(payload.size()));
  const auto bound = api < kContextApi ? ByteView{} : ByteView{measurement.hmac};
  return crypto::hmac(crypto::HashAlgorithm::sha256, tik.expose(),
                      {kContext, head, size, size, payload, bound});
}

}  // namespace

SecretPacket seal_packet(const TransportKeys& keys, const Measurement& measurement, ByteView plaintext,
                         ApiVersion api) {
  return seal_packet_insecure_iv(keys, measurement, plaintext, crypto::random_array<kBlock>(), api);
}

SecretPacket seal_packet_insecure_iv(const TransportKeys& keys, const Measurement& measurement,
                                     ByteView plaintext, const PacketIv& iv, ApiVersion api) {
  assert(is_packet_size(plaintext.size()));
  SecretPacket packet{{}, to_bytes(plaintext)};
  crypto::ctr_apply(keys.tek.expose(), iv, packet.payload);
  std::ranges::copy(iv, packet.header.begin() + 4);
  const auto mac =
      packet_mac(keys.tik, ByteView{packet.header}.first(kMacOffset), packet.payload, measurement, api);
  std::ranges::copy(mac.view(), packet.header.begin() + kMacOffset);
  return packet;
}

Result<SecretBytes> open_packet(const TransportKeys& keys, const Measurement& measurement, ByteView header,
                                ByteView payload, ApiVersion api) {
  if (header.size() != kPacketHeaderSize) {
    return fail(header.size() < kPacketHeaderSize ? ErrorCode::truncated : ErrorCode::malformed,
                fmt::format("a packet's header has {} bytes, not {}", kPacketHeaderSize, header.size()),
                "packet.header");
  }
  if (!is_packet_size(payload.size())) {
    return fail(ErrorCode::malformed,
                fmt::format("a packet's payload is 16 to {} bytes, a multiple of 16, not {}",
                            kSecretPacketLimit, payload.size()),
                "packet.payload");
  }
  const auto mac = packet_mac(keys.tik, header.first(kMacOffset), payload, measurement, api);
  if (!constant_time_equal(header.subspan(kMacOffset), mac.view())) {
    return fail(ErrorCode::authentication_failed,
                "the packet was altered, or made for another launch or measurement", "packet.mac");
  }
  if (std::ranges::any_of(header.first(4), [](std::uint8_t byte) { return byte != 0; })) {
    return fail(ErrorCode::unsupported, "compressed packets and unknown flags are not taken", "packet.flags");
  }
  auto plaintext = SecretBytes::copy_of(payload);
  crypto::ctr_apply(keys.tek.expose(), header.subspan(4, kBlock), plaintext.expose_for_writing());
  return plaintext;
}

}  // namespace sealift::sev
