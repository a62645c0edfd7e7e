// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/vault.h"

#include "crypto/cipher.h"
#include "crypto/kdf.h"
#include "crypto/random.h"

namespace sealift::securitymodule {
namespace {

using crypto::HashAlgorithm;

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kIvSize = 12;
constexpr std::string_view kSeeds = "sealift sm v1 seeds";
constexpr std::string_view kRecords = "sealift sm v1 records";
constexpr std::string_view kOwn = "sealift sm v1 own";

// Each part behind its length, so that no two lists of parts give the same bytes.
Bytes framed(std::initializer_list<ByteView> parts) {
  ByteWriter out;
  for (const auto part : parts) out.sized32(part);
  return std::move(out).take();
}

Bytes associated_data(const SeedOwner& owner) {
  const auto metadata = crypto::digest(HashAlgorithm::sha256, owner.metadata);
  return framed({as_bytes(kSeeds), as_bytes(owner.tenant), as_bytes(owner.image_id), metadata.view()});
}

crypto::Digest stamp_of(const SecretBytes& record_key, RecordKind kind, std::initializer_list<ByteView> key,
                        ByteView content) {
  ByteWriter head;
  head.u8(static_cast<std::uint8_t>(kind)).be32(static_cast<std::uint32_t>(key.size()));
  const auto keys = framed(key);
  return crypto::hmac(HashAlgorithm::sha256, record_key.expose(), {head.view(), keys, content});
}

/// u8 1 ‖ 12 bytes IV ‖ ciphertext ‖ 16 bytes tag.
Bytes encrypt(ByteView key, ByteView associated_data, ByteView secret) {
  const auto iv = crypto::random_array<kIvSize>();
  const auto sealed = crypto::gcm_encrypt(key, iv, associated_data, secret);
  ByteWriter out;
  out.u8(kVersion).bytes(iv).bytes(sealed.ciphertext).bytes(sealed.tag);
  return std::move(out).take();
}

Result<SecretBytes> decrypt(ByteView key, ByteView associated_data, ByteView wrapped) {
  constexpr std::size_t kHead = 1 + kIvSize;
  if (wrapped.size() < kHead + crypto::kGcmTagSize || wrapped[0] != kVersion)
    return fail(ErrorCode::authentication_failed, "it was altered");
  return crypto::gcm_decrypt(key, wrapped.subspan(1, kIvSize), associated_data,
                             wrapped.subspan(kHead, wrapped.size() - kHead - crypto::kGcmTagSize),
                             wrapped.last(crypto::kGcmTagSize));
}

tl::unexpected<Error> seed_refused() {
  return fail(ErrorCode::authentication_failed,
              "the stored seed was altered, or belongs to another tenant, image or policy", "seed");
}

}  // namespace

Vault::Vault(RootKey root)
    : root_{std::move(root)},
      record_key_{crypto::hkdf(HashAlgorithm::sha256, root_.expose(), {}, as_bytes(kRecords), 32)} {}

SecretBytes Vault::seed_key(std::string_view tenant) const {
  const auto info = framed({as_bytes(kSeeds), as_bytes(tenant)});
  return crypto::hkdf(HashAlgorithm::sha256, root_.expose(), {}, info, 32);
}

Bytes Vault::wrap(ByteView seed, const SeedOwner& owner) const {
  const auto key = seed_key(owner.tenant);
  return encrypt(key.expose(), associated_data(owner), seed);
}

Result<SecretBytes> Vault::unwrap(ByteView wrapped, const SeedOwner& owner) const {
  const auto key = seed_key(owner.tenant);
  auto opened = decrypt(key.expose(), associated_data(owner), wrapped);
  if (!opened) return seed_refused();
  return opened;
}

SecretBytes Vault::own_key(std::string_view purpose) const {
  const auto info = framed({as_bytes(kOwn), as_bytes(purpose)});
  return crypto::hkdf(HashAlgorithm::sha256, root_.expose(), {}, info, 32);
}

Bytes Vault::wrap_own(std::string_view purpose, ByteView secret) const {
  const auto key = own_key(purpose);
  return encrypt(key.expose(), as_bytes(purpose), secret);
}

Result<SecretBytes> Vault::unwrap_own(std::string_view purpose, ByteView wrapped) const {
  const auto key = own_key(purpose);
  auto opened = decrypt(key.expose(), as_bytes(purpose), wrapped);
  if (opened) return opened;
  return fail(ErrorCode::authentication_failed,
              "a stored key was altered, or belongs to something else: do not believe this database",
              "database");
}

Bytes Vault::stamp(RecordKind kind, std::initializer_list<ByteView> key, ByteView content) const {
  ByteWriter out;
  out.bytes(stamp_of(record_key_, kind, key, content).view()).bytes(content);
  return std::move(out).take();
}

Result<ByteView> Vault::check(RecordKind kind, std::initializer_list<ByteView> key, ByteView stamped) const {
  if (stamped.size() >= kStampSize) {
    const auto content = stamped.subspan(kStampSize);
    const auto stamp = stamp_of(record_key_, kind, key, content);
    if (constant_time_equal(stamp.view(), stamped.first(kStampSize))) return content;
  }
  return fail(ErrorCode::authentication_failed,
              "a stored record was altered, or belongs to something else: do not believe this database",
              "database");
}

}  // namespace sealift::securitymodule
