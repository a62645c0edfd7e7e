// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/session.h"

#include <fmt/core.h>

#include <algorithm>

#include "crypto/cipher.h"
#include "crypto/random.h"
#include "tee/sev/numbers.h"

namespace sealift::sev {
namespace {

using crypto::HashAlgorithm;

constexpr std::size_t kNonceSize = 16;
constexpr std::size_t kWrappedSize = 2 * kTransportKeySize;
constexpr std::size_t kIvSize = 16;
constexpr std::size_t kMacSize = 32;
static_assert(kNonceSize + kWrappedSize + kIvSize + 2 * kMacSize == kSessionSize);

struct WrappingKeys {
  TransportKey encryption;  // KEK
  TransportKey integrity;   // KIK
};

Result<WrappingKeys> agree(const crypto::PrivateKey& own, const crypto::PublicKey& peer, ByteView nonce) {
  SEALIFT_TRY(auto z, own.ecdh(peer));
  std::ranges::reverse(z.expose_for_writing());
  const auto master = derive_key(z.expose(), "sev-master-secret", nonce);
  return WrappingKeys{derive_key(master.expose(), "sev-kek", {}), derive_key(master.expose(), "sev-kik", {})};
}

crypto::Digest policy_mac(const TransportKey& tik, Policy policy) {
  return crypto::hmac(HashAlgorithm::sha256, tik.expose(), {le32_bytes(policy.value())});
}

std::array<std::uint8_t, kSessionSize> write_blob(const WrappingKeys& wrapping, ByteView nonce,
                                                  const TransportKeys& keys, Policy policy) {
  const auto iv = crypto::random_array<kIvSize>();
  std::array<std::uint8_t, kWrappedSize> wrapped{};
  std::ranges::copy(keys.tek.expose(), wrapped.begin());
  std::ranges::copy(keys.tik.expose(), wrapped.begin() + kTransportKeySize);
  crypto::ctr_apply(wrapping.encryption.expose(), iv, wrapped);
  const auto mac = crypto::hmac(HashAlgorithm::sha256, wrapping.integrity.expose(), {wrapped});
  const auto agreed = policy_mac(keys.tik, policy);
  std::array<std::uint8_t, kSessionSize> blob{};
  auto out = blob.begin();
  for (const ByteView part : {nonce, ByteView{wrapped}, ByteView{iv}, mac.view(), agreed.view()}) {
    out = std::ranges::copy(part, out).out;
  }
  return blob;
}

bool is_p384(const crypto::PublicKey& key) { return key.type() == crypto::KeyType::ec && key.bits() == 384; }

Status check_p384(const crypto::PublicKey& key, const char* what) {
  if (is_p384(key)) return {};
  return fail(ErrorCode::key_unsupported, fmt::format("the {}'s key is not on P-384", what),
              fmt::format("{}.key", what));
}

}  // namespace

TransportKey derive_key(ByteView key, std::string_view label, ByteView context) {
  constexpr std::array<std::uint8_t, 4> kOne{1};
  constexpr std::array<std::uint8_t, 1> kNul{0};
  constexpr std::array<std::uint8_t, 4> kBits{8 * kTransportKeySize};
  auto mac = crypto::hmac(HashAlgorithm::sha256, key, {kOne, as_bytes(label), kNul, context, kBits});
  std::array<std::uint8_t, kTransportKeySize> out{};
  std::ranges::copy(mac.view().first(out.size()), out.begin());
  mac.wipe();
  return TransportKey{std::span<std::uint8_t, kTransportKeySize>{out}};
}

Result<LaunchSession> make_session(const VerifiedPlatform& platform, Policy policy) {
  return make_session_unverified(platform.pdh(), policy);
}

Result<LaunchSession> make_session_unverified(const Certificate& pdh, Policy policy) {
  SEALIFT_CHECK(check_p384(pdh.key(), "pdh"));
  SEALIFT_TRY(const auto own, crypto::PrivateKey::generate_ec(crypto::Curve::p384));
  const auto nonce = crypto::random_array<kNonceSize>();
  SEALIFT_TRY(const auto wrapping, agree(own, pdh.key(), nonce));
  TransportKeys keys{crypto::random_secret<kTransportKeySize>(), crypto::random_secret<kTransportKeySize>()};
  const auto blob = write_blob(wrapping, nonce, keys, policy);
  return LaunchSession{Certificate::make(Usage::pdh, Algorithm::ecdh_sha256, pdh.api(), own.public_key()),
                       blob, std::move(keys)};
}

Result<TransportKeys> open_session(const crypto::PrivateKey& pdh, const Certificate& godh, ByteView blob,
                                   Policy policy) {
  if (blob.size() != kSessionSize) {
    return fail(blob.size() < kSessionSize ? ErrorCode::truncated : ErrorCode::malformed,
                fmt::format("the session has {} bytes, not {}", blob.size(), kSessionSize), "session.size");
  }
  SEALIFT_CHECK(check_p384(godh.key(), "godh"));
  ByteReader reader{blob};
  const auto nonce = reader.take(kNonceSize).value();
  const auto wrapped = reader.take(kWrappedSize).value();
  const auto iv = reader.take(kIvSize).value();
  const auto wrap_mac = reader.take(kMacSize).value();
  SEALIFT_TRY(const auto wrapping, agree(pdh, godh.key(), nonce));
  if (!constant_time_equal(
          wrap_mac, crypto::hmac(HashAlgorithm::sha256, wrapping.integrity.expose(), {wrapped}).view())) {
    return fail(ErrorCode::authentication_failed, "the session is not made for this PDH and GODH",
                "session.wrap_mac");
  }
  SecretBytes both = SecretBytes::copy_of(wrapped);
  crypto::ctr_apply(wrapping.encryption.expose(), iv, both.expose_for_writing());
  TransportKeys keys{TransportKey{both.expose_for_writing().first<kTransportKeySize>()},
                     TransportKey{both.expose_for_writing().last<kTransportKeySize>()}};
  if (!constant_time_equal(reader.rest(), policy_mac(keys.tik, policy).view())) {
    return fail(ErrorCode::authentication_failed, "the session is made for another policy",
                "session.policy_mac");
  }
  return keys;
}

}  // namespace sealift::sev
