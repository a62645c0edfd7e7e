// SPDX-License-Identifier: Apache-2.0
#include "crypto/kdf.h"

#include <algorithm>
#include <cassert>

namespace sealift::crypto {
namespace {

/// Fills `size` bytes block by block; `next` gives block i, counted from 1.
template <typename Block>
SecretBytes concatenate(std::size_t size, Block next) {
  SecretBytes out{size};
  auto rest = out.expose_for_writing();
  for (std::uint32_t i = 1; !rest.empty(); ++i) {
    Digest block = next(i);
    const auto part = std::min(rest.size(), block.size());
    std::ranges::copy(block.view().first(part), rest.begin());
    rest = rest.subspan(part);
    block.wipe();
  }
  return out;
}

std::array<std::uint8_t, 4> be32(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value >> 24U), static_cast<std::uint8_t>(value >> 16U),
          static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value)};
}

constexpr std::array<std::uint8_t, 1> kNul{0};

}  // namespace

SecretBytes hkdf(HashAlgorithm hash, ByteView key, ByteView salt, ByteView info, std::size_t size) {
  assert(size <= 255 * digest_size(hash));
  auto prk = hmac(hash, salt, {key});
  Digest before;
  auto out = concatenate(size, [&](std::uint32_t i) {
    const std::array<std::uint8_t, 1> counter{static_cast<std::uint8_t>(i)};
    before = hmac(hash, prk.view(), {before.view(), info, counter});
    return before;
  });
  prk.wipe();
  before.wipe();
  return out;
}

SecretBytes kdfa(HashAlgorithm hash, ByteView key, std::string_view label, ByteView context_u,
                 ByteView context_v, std::size_t size) {
  const auto bits = be32(static_cast<std::uint32_t>(size * 8));
  return concatenate(size, [&](std::uint32_t i) {
    return hmac(hash, key, {be32(i), as_bytes(label), kNul, context_u, context_v, bits});
  });
}

SecretBytes kdfe(HashAlgorithm hash, ByteView z, std::string_view label, ByteView party_u, ByteView party_v,
                 std::size_t size) {
  return concatenate(size, [&](std::uint32_t i) {
    return digest(hash, {be32(i), z, as_bytes(label), kNul, party_u, party_v});
  });
}

}  // namespace sealift::crypto
