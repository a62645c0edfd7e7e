// SPDX-License-Identifier: Apache-2.0
#include "tee/insertion.h"

#include <algorithm>
#include <array>

#include "crypto/cipher.h"
#include "crypto/kdf.h"

namespace sealift::tee {
namespace {

constexpr std::string_view kLabel = "sealift insertion v1";
constexpr std::string_view kConfirmed = "sealift insertion v1 confirmed";
constexpr std::size_t kKeySize = 32;
/// Each key encrypts once.
constexpr std::array<std::uint8_t, 12> kIv{};

Result<crypto::PublicKey> p256_key(ByteView der, const char* field) {
  auto key = crypto::PublicKey::parse(der);
  if (!key) return fail(ErrorCode::malformed, "the key cannot be read", field);
  const auto point = key->ec();
  if (!point || point->curve != crypto::Curve::p256)
    return fail(ErrorCode::key_unsupported, "insertion takes keys on P-256", field);
  return key;
}

struct Keys {
  SecretBytes both;
  ByteView encryption() const { return both.expose().first(kKeySize); }
  crypto::Digest confirmation(const InsertionTerms& terms) const {
    return crypto::hmac(crypto::HashAlgorithm::sha256, both.expose().last(kKeySize),
                        {as_bytes(kConfirmed), terms.digest().view()});
  }
};

Keys keys_of(const InsertionTerms& terms, ByteView ephemeral_key, const SecretBytes& shared,
             ByteView activation_secret) {
  SecretBytes material{shared.size() + activation_secret.size()};
  const auto out = material.expose_for_writing();
  std::ranges::copy(shared.expose(), out.begin());
  std::ranges::copy(activation_secret, out.subspan(shared.size()).begin());
  ByteWriter info;
  info.text(kLabel).bytes(ephemeral_key);
  return {crypto::hkdf(crypto::HashAlgorithm::sha512, material.expose(), terms.digest().view(), info.view(),
                       2 * kKeySize)};
}

}  // namespace

Bytes InsertionTerms::text() const {
  ByteWriter out;
  for (const auto part : {kLabel, std::string_view{tenant}, std::string_view{image_id},
                          std::string_view{method}, std::string_view{insertion_id}})
    out.sized16(as_bytes(part));
  out.be64(static_cast<std::uint64_t>(expires_at)).sized16(nonce).sized16(insertion_key);
  return std::move(out).take();
}

crypto::Digest InsertionTerms::digest() const {
  return crypto::digest(crypto::HashAlgorithm::sha256, text());
}

Result<InsertionSent> seal_insertion(const InsertionTerms& terms, const crypto::PublicKey& insertion_key,
                                     ByteView activation_secret, Bytes credential, ByteView payload) {
  SEALIFT_TRY(const auto peer, p256_key(insertion_key.der(), "insertion_key"));
  SEALIFT_TRY(const auto ephemeral, crypto::PrivateKey::generate_ec(crypto::Curve::p256));
  SEALIFT_TRY(const auto shared, ephemeral.ecdh(peer));
  SealedInsertion sealed{ephemeral.public_key().der(), std::move(credential), {}};
  const auto keys = keys_of(terms, sealed.ephemeral_key, shared, activation_secret);
  const auto made = crypto::gcm_encrypt(keys.encryption(), kIv, terms.text(), payload);
  sealed.ciphertext = made.ciphertext;
  sealed.ciphertext.insert(sealed.ciphertext.end(), made.tag.begin(), made.tag.end());
  return InsertionSent{std::move(sealed), keys.confirmation(terms)};
}

Result<InsertionReceived> open_insertion(const InsertionTerms& terms, const SealedInsertion& sealed,
                                         const SecretBytes& shared, ByteView activation_secret) {
  const ByteView whole{sealed.ciphertext};
  const auto size = whole.size() - std::min(whole.size(), crypto::kGcmTagSize);
  const auto keys = keys_of(terms, sealed.ephemeral_key, shared, activation_secret);
  auto payload =
      crypto::gcm_decrypt(keys.encryption(), kIv, terms.text(), whole.first(size), whole.subspan(size));
  if (!payload)
    return fail(ErrorCode::authentication_failed,
                "what was inserted was altered on the way, or sealed for another insertion", "ciphertext");
  return InsertionReceived{std::move(*payload), keys.confirmation(terms)};
}

Result<crypto::PublicKey> ephemeral_key_of(const SealedInsertion& sealed) {
  return p256_key(sealed.ephemeral_key, "ephemeral_key");
}

}  // namespace sealift::tee
