// SPDX-License-Identifier: Apache-2.0
/// AES: GCM for what must be authentic, CFB as the TPM uses it, CTR as AMD's PSP does, XTS for disks.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "base/secret.h"

struct evp_cipher_ctx_st;  // OpenSSL's EVP_CIPHER_CTX

namespace sealift::crypto {

inline constexpr std::size_t kGcmTagSize = 16;
using GcmTag = std::array<std::uint8_t, kGcmTagSize>;

struct Sealed {
  Bytes ciphertext;  ///< as long as the plaintext
  GcmTag tag;
};

/// AES-256-GCM (SP 800-38D). `key` 32 bytes; `iv` 12 or 16 bytes, never twice under one key.
Sealed gcm_encrypt(ByteView key, ByteView iv, ByteView aad, ByteView plaintext);
/// authentication_failed unless tag, aad, iv and key are those of the encryption; then nothing is returned.
Result<SecretBytes> gcm_decrypt(ByteView key, ByteView iv, ByteView aad, ByteView ciphertext, ByteView tag);

/// AES-CFB with a full-block feedback (TPM 2.0 Part 1, clause 11.4.6). `key` 16 or 32 bytes, `iv` 16 bytes.
/// In place.
void cfb_encrypt(ByteView key, ByteView iv, std::span<std::uint8_t> data);
void cfb_decrypt(ByteView key, ByteView iv, std::span<std::uint8_t> data);

/// AES-128-CTR (SP 800-38A, 6.5) with a 128-bit big-endian counter that starts at `iv`. `key` and `iv` 16
/// bytes. In place; encrypting twice is decrypting. An IV is never used twice under one key.
void ctr_apply(ByteView key, ByteView iv, std::span<std::uint8_t> data);

/// AES-256-XTS, "aes-xts-plain64" as dm-crypt and LUKS2 do it: the tweak is the sector's number in units of
/// 512 bytes, little-endian, whatever the sector size.
class XtsEncryptor {
 public:
  /// `key` is 64 bytes, both halves different; `sector_size` 512 or 4096.
  XtsEncryptor(ByteView key, std::size_t sector_size);
  XtsEncryptor(const XtsEncryptor&) = delete;
  XtsEncryptor& operator=(const XtsEncryptor&) = delete;
  XtsEncryptor(XtsEncryptor&&) = delete;
  XtsEncryptor& operator=(XtsEncryptor&&) = delete;
  ~XtsEncryptor();
  /// In place; `data` is whole sectors, `offset` is its first byte's place on the disk.
  void encrypt(std::span<std::uint8_t> data, std::uint64_t offset) { encrypt(data, data, offset); }
  /// `to` is as long as `from`.
  void encrypt(ByteView from, std::span<std::uint8_t> to, std::uint64_t offset);

 private:
  std::size_t sector_size_;
  evp_cipher_ctx_st* context_;
};

}  // namespace sealift::crypto
