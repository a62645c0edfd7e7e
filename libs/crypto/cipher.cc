// SPDX-License-Identifier: Apache-2.0
#include "crypto/cipher.h"

#include <cassert>
#include <climits>

#include "crypto/openssl.h"

namespace sealift::crypto {
namespace {

/// Fetched once: fetching costs more than encrypting a short message.
EVP_CIPHER* cipher_named(const char* name) { return must(EVP_CIPHER_fetch(nullptr, name, nullptr), name); }

EVP_CIPHER* gcm() {
  static EVP_CIPHER* const cipher = cipher_named("AES-256-GCM");
  return cipher;
}
EVP_CIPHER* cfb(std::size_t key_size) {
  static EVP_CIPHER* const small = cipher_named("AES-128-CFB");
  static EVP_CIPHER* const large = cipher_named("AES-256-CFB");
  assert(key_size == 16 || key_size == 32);
  return key_size == 16 ? small : large;
}

int as_int(std::size_t size) {
  assert(size <= INT_MAX);
  return static_cast<int>(size);
}

CipherContext gcm_context(ByteView key, ByteView iv, ByteView aad, bool encrypt) {
  assert(key.size() == 32 && (iv.size() == 12 || iv.size() == 16));
  CipherContext context{must(EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new")};
  must(EVP_CipherInit_ex2(context.get(), gcm(), nullptr, nullptr, encrypt ? 1 : 0, nullptr), "GCM");
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, as_int(iv.size()), nullptr), "GCM IV");
  must(EVP_CipherInit_ex2(context.get(), nullptr, key.data(), iv.data(), encrypt ? 1 : 0, nullptr),
       "GCM key");
  int done = 0;
  if (!aad.empty())
    must(EVP_CipherUpdate(context.get(), nullptr, &done, aad.data(), as_int(aad.size())), "GCM AAD");
  return context;
}

void cfb_run(ByteView key, ByteView iv, std::span<std::uint8_t> data, bool encrypt) {
  assert(iv.size() == 16);
  if (data.empty()) return;
  const CipherContext context{must(EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new")};
  must(EVP_CipherInit_ex2(context.get(), cfb(key.size()), key.data(), iv.data(), encrypt ? 1 : 0, nullptr),
       "CFB");
  int done = 0;
  must(EVP_CipherUpdate(context.get(), data.data(), &done, data.data(), as_int(data.size())), "CFB");
}

}  // namespace

Sealed gcm_encrypt(ByteView key, ByteView iv, ByteView aad, ByteView plaintext) {
  const auto context = gcm_context(key, iv, aad, true);
  Sealed out{Bytes(plaintext.size()), {}};
  int done = 0;
  if (!plaintext.empty()) {
    must(EVP_CipherUpdate(context.get(), out.ciphertext.data(), &done, plaintext.data(),
                          as_int(plaintext.size())),
         "GCM encryption");
  }
  must(EVP_CipherFinal_ex(context.get(), out.tag.data(), &done), "GCM encryption");
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, as_int(out.tag.size()), out.tag.data()),
       "GCM tag");
  return out;
}

Result<SecretBytes> gcm_decrypt(ByteView key, ByteView iv, ByteView aad, ByteView ciphertext, ByteView tag) {
  if (tag.size() != kGcmTagSize) return fail(ErrorCode::malformed, "an AES-GCM tag has 16 bytes");
  if (ciphertext.size() > INT_MAX)
    return fail(ErrorCode::too_large, "an AES-GCM ciphertext has at most 2 GiB");
  const auto context = gcm_context(key, iv, aad, false);
  SecretBytes out{ciphertext.size()};
  int done = 0;
  if (!ciphertext.empty()) {
    must(EVP_CipherUpdate(context.get(), out.expose_for_writing().data(), &done, ciphertext.data(),
                          as_int(ciphertext.size())),
         "GCM decryption");
  }
  auto expected = to_bytes(tag);
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, as_int(expected.size()), expected.data()),
       "GCM tag");
  if (EVP_CipherFinal_ex(context.get(), expected.data(), &done) <= 0) {
    return fail(ErrorCode::authentication_failed, "the data do not decrypt under this key: tag differs");
  }
  return out;
}

void cfb_encrypt(ByteView key, ByteView iv, std::span<std::uint8_t> data) { cfb_run(key, iv, data, true); }
void cfb_decrypt(ByteView key, ByteView iv, std::span<std::uint8_t> data) { cfb_run(key, iv, data, false); }

void ctr_apply(ByteView key, ByteView iv, std::span<std::uint8_t> data) {
  static EVP_CIPHER* const cipher = cipher_named("AES-128-CTR");
  assert(key.size() == 16 && iv.size() == 16);
  if (data.empty()) return;
  const CipherContext context{must(EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new")};
  must(EVP_EncryptInit_ex2(context.get(), cipher, key.data(), iv.data(), nullptr), "CTR");
  int done = 0;
  must(EVP_EncryptUpdate(context.get(), data.data(), &done, data.data(), as_int(data.size())), "CTR");
}

XtsEncryptor::XtsEncryptor(ByteView key, std::size_t sector_size)
    : sector_size_{sector_size}, context_{must(EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new")} {
  assert(key.size() == 64 && (sector_size == 512 || sector_size == 4096));
  EVP_CIPHER* const cipher = cipher_named("AES-256-XTS");
  must(EVP_EncryptInit_ex2(context_, cipher, key.data(), nullptr, nullptr), "XTS key");
  EVP_CIPHER_free(cipher);
}

XtsEncryptor::~XtsEncryptor() { EVP_CIPHER_CTX_free(context_); }

void XtsEncryptor::encrypt(ByteView from, std::span<std::uint8_t> to, std::uint64_t offset) {
  assert(from.size() % sector_size_ == 0 && to.size() == from.size() && offset % sector_size_ == 0);
  for (std::size_t at = 0; at < from.size(); at += sector_size_, offset += sector_size_) {
    std::array<std::uint8_t, 16> tweak{};
    const std::uint64_t sector = offset / 512;
    for (unsigned i = 0; i < 8; ++i) tweak[i] = static_cast<std::uint8_t>(sector >> (8 * i));
    int done = 0;
    must(EVP_EncryptInit_ex2(context_, nullptr, nullptr, tweak.data(), nullptr), "XTS tweak");
    must(EVP_EncryptUpdate(context_, &to[at], &done, &from[at], as_int(sector_size_)), "XTS");
  }
}

}  // namespace sealift::crypto
