// SPDX-License-Identifier: Apache-2.0
#include "tpm/outer_wrap.h"

#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>
#include <array>

#include "crypto/cipher.h"
#include "crypto/kdf.h"

namespace sealift::tpm {
namespace {

constexpr std::array<std::uint8_t, 16> kZeroIv{};
constexpr TPMA_OBJECT kReceiver = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;

tl::unexpected<Error> unsupported(std::string message, std::string field) {
  return fail(ErrorCode::key_unsupported, std::move(message), std::move(field));
}

/// Bytes of the receiver's symmetric key.
Result<std::size_t> cipher_key_size(const TPMT_PUBLIC& area) {
  if ((area.objectAttributes & (kReceiver | TPMA_OBJECT_SIGN_ENCRYPT)) != kReceiver) {
    return unsupported("only a restricted decryption key can receive protected data", "objectAttributes");
  }
  const auto& symmetric =
      area.type == TPM2_ALG_RSA ? area.parameters.rsaDetail.symmetric : area.parameters.eccDetail.symmetric;
  if (symmetric.algorithm != TPM2_ALG_AES || symmetric.mode.aes != TPM2_ALG_CFB) {
    return unsupported("the key protects its data with another cipher than AES-CFB", "symmetric");
  }
  const auto bits = symmetric.keyBits.aes;
  if (bits != 128 && bits != 256)
    return unsupported(fmt::format("AES of {} bits", bits), "symmetric.keyBits");
  return std::size_t{bits} / 8;
}

}  // namespace

OuterWrap::OuterWrap(std::unique_ptr<const SeedTransport> transport, const Public& receiver,
                     std::size_t cipher_key_size)
    : transport_{std::move(transport)},
      name_{receiver.name()},
      hash_{receiver.name_algorithm()},
      cipher_key_size_{cipher_key_size} {}

Result<OuterWrap> OuterWrap::prepare(const Public& receiver, std::string_view label) {
  SEALIFT_TRY(const auto key, receiver.key());
  SEALIFT_TRY(const auto size, cipher_key_size(receiver.area()));
  SEALIFT_TRY(auto transport, SeedTransport::prepare(key, receiver.name_algorithm(), label));
  return OuterWrap{std::move(transport), receiver, size};
}

Bytes OuterWrap::protect(const SecretBytes& seed, const Name& name, SecretBytes plaintext) const {
  const auto cipher_key = crypto::kdfa(hash_, seed.expose(), "STORAGE", name.view(), {}, cipher_key_size_);
  const auto hmac_key = crypto::kdfa(hash_, seed.expose(), "INTEGRITY", {}, {}, crypto::digest_size(hash_));
  crypto::cfb_encrypt(cipher_key.expose(), kZeroIv, plaintext.expose_for_writing());
  const auto integrity = crypto::hmac(hash_, hmac_key.expose(), {plaintext.expose(), name.view()});
  const auto size = sizeof(std::uint16_t) + integrity.size() + plaintext.size();
  return std::move(ByteWriter{}
                       .be16(static_cast<std::uint16_t>(size))
                       .sized16(integrity.view())
                       .bytes(plaintext.expose()))
      .take();
}

}  // namespace sealift::tpm
