// SPDX-License-Identifier: Apache-2.0
#include "crypto/key.h"

#include <fmt/core.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/encoder.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "crypto/key_info.h"
#include "crypto/openssl.h"

namespace sealift::crypto {
namespace {

using Bignum = std::unique_ptr<BIGNUM, FreeWith<BN_clear_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM_free>>;
using Decoder = std::unique_ptr<OSSL_DECODER_CTX, FreeWith<OSSL_DECODER_CTX_free>>;
using Encoder = std::unique_ptr<OSSL_ENCODER_CTX, FreeWith<OSSL_ENCODER_CTX_free>>;
using MdContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;

std::shared_ptr<EVP_PKEY> shared(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }

const char* group_name(Curve curve) { return curve == Curve::p256 ? "prime256v1" : "secp384r1"; }

KeyType type_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) return KeyType::rsa;
  if (EVP_PKEY_is_a(key, "EC") == 1) return KeyType::ec;
  return KeyType::other;
}

/// A key from numbers; null where OpenSSL refuses them (an EC point off the curve, say).
EVP_PKEY* key_from_params(const char* type, OSSL_PARAM* params) {
  const PkeyContext context{must(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr), type)};
  must(EVP_PKEY_fromdata_init(context.get()), type);
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params) <= 0) return nullptr;
  return key;
}

/// SP 800-56A, 5.6.2.3.4: in range, on the curve, not at infinity. That is enough where the cofactor is 1.
bool is_valid_public(EVP_PKEY* key) {
  const PkeyContext context{must(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr), "EVP_PKEY_CTX_new")};
  return EVP_PKEY_public_check_quick(context.get()) == 1;
}

Bytes number(const EVP_PKEY* key, const char* name, std::size_t padded = 0) {
  BIGNUM* raw = nullptr;
  must(EVP_PKEY_get_bn_param(key, name, &raw), name);
  const Bignum value{raw};
  Bytes bytes(std::max<std::size_t>(padded, static_cast<std::size_t>(BN_num_bytes(value.get()))));
  must(BN_bn2binpad(value.get(), bytes.data(), static_cast<int>(bytes.size())) >= 0 ? 1 : 0, name);
  return bytes;
}

tl::unexpected<Error> fail_openssl(ErrorCode code, std::string message) {
  return fail(code, std::move(message), {}, openssl_errors());
}

PkeyContext oaep_context(EVP_PKEY* key, bool encrypt, HashAlgorithm hash, ByteView label) {
  PkeyContext context{must(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr), "EVP_PKEY_CTX_new")};
  must(encrypt ? EVP_PKEY_encrypt_init(context.get()) : EVP_PKEY_decrypt_init(context.get()), "OAEP");
  must(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING), "OAEP");
  must(EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), fetched(hash)), "OAEP hash");
  must(EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), fetched(hash)), "OAEP MGF1 hash");
  if (!label.empty()) {
    auto* const copy = must(static_cast<std::uint8_t*>(OPENSSL_memdup(label.data(), label.size())), "label");
    must(EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), copy, static_cast<int>(label.size())), "OAEP label");
  }
  return context;
}

int give_passphrase(char* buffer, int size, int, void* argument) {
  const auto& passphrase = *static_cast<const ByteView*>(argument);
  if (passphrase.empty() || passphrase.size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(buffer, passphrase.data(), passphrase.size());
  return static_cast<int>(passphrase.size());
}

/// The one key in `input`, of the wanted selection; null where there is none.
EVP_PKEY* decode(ByteView input, int selection, ByteView passphrase) {
  EVP_PKEY* key = nullptr;
  const Decoder decoder{
      must(OSSL_DECODER_CTX_new_for_pkey(&key, nullptr, nullptr, nullptr, selection, nullptr, nullptr),
           "OSSL_DECODER")};
  must(OSSL_DECODER_CTX_set_pem_password_cb(decoder.get(), give_passphrase, &passphrase), "OSSL_DECODER");
  const auto* data = input.data();
  auto size = input.size();
  if (OSSL_DECODER_from_data(decoder.get(), &data, &size) != 1) return nullptr;
  return key;
}

/// The key in OpenSSL's own buffer, given to `use`, then wiped.
template <typename Use>
auto encoded(const EVP_PKEY* key, int selection, const char* format, const char* structure, Use use) {
  const Encoder encoder{
      must(OSSL_ENCODER_CTX_new_for_pkey(key, selection, format, structure, nullptr), "OSSL_ENCODER")};
  unsigned char* data = nullptr;
  std::size_t size = 0;
  must(OSSL_ENCODER_to_data(encoder.get(), &data, &size), "OSSL_ENCODER");
  auto result = use(std::span<std::uint8_t>{data, size});
  OPENSSL_clear_free(data, size);
  return result;
}

}  // namespace

Result<PublicKey> wrap_public(EVP_PKEY* key) {
  if (key == nullptr) return fail_openssl(ErrorCode::key_unsupported, "the public key cannot be read");
  must(EVP_PKEY_up_ref(key), "EVP_PKEY_up_ref");
  return PublicKey{shared(key)};
}

Result<PublicKey> PublicKey::from_rsa(const RsaNumbers& numbers) {
  if (numbers.modulus.size() > 1024 || numbers.modulus.empty()) {
    return fail(ErrorCode::key_unsupported, "an RSA modulus has 1 to 8192 bits");
  }
  const Bignum n{
      must(BN_bin2bn(numbers.modulus.data(), static_cast<int>(numbers.modulus.size()), nullptr), "BN")};
  const ParamBuilder builder{must(OSSL_PARAM_BLD_new(), "OSSL_PARAM_BLD")};
  must(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()), "RSA n");
  must(OSSL_PARAM_BLD_push_uint(builder.get(), OSSL_PKEY_PARAM_RSA_E, numbers.exponent), "RSA e");
  const Params params{must(OSSL_PARAM_BLD_to_param(builder.get()), "OSSL_PARAM_BLD")};
  auto* const key = key_from_params("RSA", params.get());
  if (key == nullptr) return fail_openssl(ErrorCode::key_unsupported, "not an RSA public key");
  return PublicKey{shared(key)};
}

Result<PublicKey> PublicKey::from_ec(const EcPoint& point) {
  const auto size = coordinate_size(point.curve);
  if (point.x.size() != size || point.y.size() != size) {
    return fail(ErrorCode::key_unsupported, fmt::format("a coordinate on this curve has {} bytes", size));
  }
  const Bytes encoded = ByteWriter{}.u8(4).bytes(point.x).bytes(point.y).view();
  const ParamBuilder builder{must(OSSL_PARAM_BLD_new(), "OSSL_PARAM_BLD")};
  must(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group_name(point.curve), 0),
       "EC");
  must(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(),
                                        encoded.size()),
       "EC");
  const Params params{must(OSSL_PARAM_BLD_to_param(builder.get()), "OSSL_PARAM_BLD")};
  Pkey key{key_from_params("EC", params.get())};
  if (!key || !is_valid_public(key.get())) {
    return fail_openssl(ErrorCode::key_unsupported, "the point is not on the curve");
  }
  return PublicKey{shared(key.release())};
}

Result<PublicKey> PublicKey::parse(ByteView pem_or_der) {
  auto* const key = decode(pem_or_der, EVP_PKEY_PUBLIC_KEY, {});
  if (key == nullptr) return fail_openssl(ErrorCode::malformed, "not a public key in PEM or DER");
  return PublicKey{shared(key)};
}

KeyType PublicKey::type() const noexcept { return type_of(key_.get()); }
int PublicKey::bits() const noexcept { return EVP_PKEY_get_bits(key_.get()); }

Result<RsaNumbers> PublicKey::rsa() const {
  if (type() != KeyType::rsa) return fail(ErrorCode::key_unsupported, "not an RSA key");
  const auto exponent = number(key_.get(), OSSL_PKEY_PARAM_RSA_E);
  if (exponent.size() > 4) return fail(ErrorCode::key_unsupported, "the RSA exponent exceeds 32 bits");
  std::uint32_t e = 0;
  for (const auto byte : exponent) e = e << 8U | byte;
  return RsaNumbers{number(key_.get(), OSSL_PKEY_PARAM_RSA_N), e};
}

Result<EcPoint> PublicKey::ec() const {
  if (type() != KeyType::ec) return fail(ErrorCode::key_unsupported, "not an elliptic-curve key");
  char group[64] = {};
  // A key with explicit curve parameters has no name.
  if (EVP_PKEY_get_utf8_string_param(key_.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, nullptr) <=
      0) {
    return fail_openssl(ErrorCode::key_unsupported, "the elliptic curve has no name");
  }
  for (const auto curve : {Curve::p256, Curve::p384}) {
    if (std::string_view{group} != group_name(curve)) continue;
    const auto size = coordinate_size(curve);
    return EcPoint{curve, number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, size),
                   number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, size)};
  }
  return fail(ErrorCode::key_unsupported, fmt::format("unsupported curve {}", group));
}

Bytes PublicKey::der() const {
  auto info = key_info(key_.get());
  if (!info.empty()) return info;
  return encoded(key_.get(), EVP_PKEY_PUBLIC_KEY, "DER", "SubjectPublicKeyInfo",
                 [](std::span<std::uint8_t> data) { return to_bytes(data); });
}
std::string PublicKey::pem() const {
  return encoded(key_.get(), EVP_PKEY_PUBLIC_KEY, "PEM", "SubjectPublicKeyInfo",
                 [](std::span<std::uint8_t> data) { return std::string{as_text(data)}; });
}

bool PublicKey::operator==(const PublicKey& other) const noexcept {
  return EVP_PKEY_eq(key_.get(), other.key_.get()) == 1;
}

Result<Bytes> PublicKey::oaep_encrypt(HashAlgorithm hash, ByteView label, ByteView plaintext) const {
  if (type() != KeyType::rsa) return fail(ErrorCode::key_unsupported, "RSA-OAEP needs an RSA key");
  const auto context = oaep_context(key_.get(), true, hash, label);
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())));
  auto size = out.size();
  if (EVP_PKEY_encrypt(context.get(), out.data(), &size, plaintext.data(), plaintext.size()) <= 0) {
    return fail_openssl(ErrorCode::invalid_argument, "the plaintext is too long for this RSA key");
  }
  out.resize(size);
  return out;
}

Status PublicKey::verify(HashAlgorithm hash, ByteView message, ByteView signature) const {
  const MdContext context{must(EVP_MD_CTX_new(), "EVP_MD_CTX_new")};
  if (EVP_DigestVerifyInit(context.get(), nullptr, fetched(hash), nullptr, key_.get()) <= 0) {
    return fail_openssl(ErrorCode::key_unsupported, "this key cannot verify signatures");
  }
  if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) !=
      1) {
    return fail_openssl(ErrorCode::signature_invalid, "the signature does not match");
  }
  return {};
}

Result<PrivateKey> PrivateKey::generate_rsa(int bits) {
  EVP_PKEY* const key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits));
  if (key == nullptr)
    return fail_openssl(ErrorCode::key_unsupported, fmt::format("no RSA key of {} bits", bits));
  return PrivateKey{shared(key)};
}

Result<PrivateKey> PrivateKey::generate_ec(Curve curve) {
  return PrivateKey{
      shared(must(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", group_name(curve)), "EC key generation"))};
}

Result<PrivateKey> PrivateKey::parse(ByteView pem_or_der, ByteView passphrase) {
  auto* const key = decode(pem_or_der, EVP_PKEY_KEYPAIR, passphrase);
  if (key != nullptr) return PrivateKey{shared(key)};
  const bool encrypted = as_text(pem_or_der).find("ENCRYPTED") != std::string_view::npos;
  if (encrypted)
    return fail_openssl(ErrorCode::decryption_failed, "the private key's passphrase is missing or wrong");
  return fail_openssl(ErrorCode::malformed, "not a private key in PEM or DER");
}

KeyType PrivateKey::type() const noexcept { return type_of(key_.get()); }
int PrivateKey::bits() const noexcept { return EVP_PKEY_get_bits(key_.get()); }

PublicKey PrivateKey::public_key() const {
  // By its numbers: writing and reading DER costs as much as half a key agreement.
  OSSL_PARAM* numbers = nullptr;
  must(EVP_PKEY_todata(key_.get(), EVP_PKEY_PUBLIC_KEY, &numbers), "EVP_PKEY_todata");
  const Params owner{numbers};
  return PublicKey{
      shared(must(key_from_params(EVP_PKEY_get0_type_name(key_.get()), numbers), "EVP_PKEY_fromdata"))};
}

SecretBytes PrivateKey::pem() const {
  return encoded(key_.get(), EVP_PKEY_KEYPAIR, "PEM", "PrivateKeyInfo",
                 [](std::span<std::uint8_t> data) { return SecretBytes::copy_of(data); });
}

Result<SecretBytes> PrivateKey::oaep_decrypt(HashAlgorithm hash, ByteView label, ByteView ciphertext) const {
  if (type() != KeyType::rsa) return fail(ErrorCode::key_unsupported, "RSA-OAEP needs an RSA key");
  const auto context = oaep_context(key_.get(), false, hash, label);
  SecretBytes out{static_cast<std::size_t>(EVP_PKEY_get_size(key_.get()))};
  auto size = out.size();
  if (EVP_PKEY_decrypt(context.get(), out.expose_for_writing().data(), &size, ciphertext.data(),
                       ciphertext.size()) <= 0) {
    return fail_openssl(ErrorCode::decryption_failed, "the ciphertext was not made for this RSA key");
  }
  out.shrink(size);
  return out;
}

Result<SecretBytes> PrivateKey::ecdh(const PublicKey& peer) const {
  const auto unusable = [] {
    return fail_openssl(ErrorCode::key_unsupported, "the keys are not on the same curve");
  };
  const PkeyContext context{
      must(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr), "EVP_PKEY_CTX_new")};
  std::size_t size = 0;
  // Not validated once more: whichever way a PublicKey came to be, its point is on its curve, and these
  // curves have cofactor 1. What is left, the point at infinity, has no shared coordinate (SP
  // 800-56A, 5.7.1.2).
  if (EVP_PKEY_derive_init(context.get()) <= 0 ||
      EVP_PKEY_derive_set_peer_ex(context.get(), peer.get(), 0) <= 0 ||
      EVP_PKEY_derive(context.get(), nullptr, &size) <= 0) {
    return unusable();
  }
  SecretBytes out{size};
  if (EVP_PKEY_derive(context.get(), out.expose_for_writing().data(), &size) <= 0) return unusable();
  return out;
}

Result<Bytes> PrivateKey::sign(HashAlgorithm hash, ByteView message) const {
  const MdContext context{must(EVP_MD_CTX_new(), "EVP_MD_CTX_new")};
  std::size_t size = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, fetched(hash), nullptr, key_.get()) <= 0 ||
      EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) <= 0) {
    return fail_openssl(ErrorCode::key_unsupported, "this key cannot sign");
  }
  Bytes signature(size);
  must(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()), "signing");
  signature.resize(size);
  return signature;
}

}  // namespace sealift::crypto
