// SPDX-License-Identifier: Apache-2.0
#include "crypto/cipher.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "base/process.h"
#include "crypto/random.h"

namespace sealift::crypto {
namespace {

// GCM specification (McGrew, Viega), test case 16: 256-bit key, AAD.
TEST(Gcm, GivesThePublishedValue) {
  const auto key = *from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const auto iv = *from_hex("cafebabefacedbaddecaf888");
  const auto aad = *from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const auto plaintext = *from_hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  const auto sealed = gcm_encrypt(key, iv, aad, plaintext);
  EXPECT_EQ(to_hex(sealed.ciphertext),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662");
  EXPECT_EQ(to_hex(sealed.tag), "76fc6ece0f4e1768cddf8853bb2d551b");
  EXPECT_TRUE(gcm_decrypt(key, iv, aad, sealed.ciphertext, sealed.tag)->equals(plaintext));
}

TEST(Gcm, RefusesEveryFlippedBit) {
  const Bytes key(32, 1);
  const Bytes iv(16, 2);
  const Bytes aad(3, 3);
  const auto sealed = gcm_encrypt(key, iv, aad, Bytes(20, 4));
  const auto refuses = [&](Bytes which, auto open) {
    for (std::size_t bit = 0; bit < which.size() * 8; ++bit) {
      auto altered = which;
      altered[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      EXPECT_THAT(open(altered), FailsWith(ErrorCode::authentication_failed)) << bit;
    }
  };
  refuses(key, [&](const Bytes& k) { return gcm_decrypt(k, iv, aad, sealed.ciphertext, sealed.tag); });
  refuses(iv, [&](const Bytes& i) { return gcm_decrypt(key, i, aad, sealed.ciphertext, sealed.tag); });
  refuses(aad, [&](const Bytes& a) { return gcm_decrypt(key, iv, a, sealed.ciphertext, sealed.tag); });
  refuses(sealed.ciphertext, [&](const Bytes& c) { return gcm_decrypt(key, iv, aad, c, sealed.tag); });
  refuses(to_bytes(sealed.tag),
          [&](const Bytes& t) { return gcm_decrypt(key, iv, aad, sealed.ciphertext, t); });
}

TEST(Gcm, RefusesAShortenedTag) {
  const Bytes key(32, 1);
  const auto sealed = gcm_encrypt(key, Bytes(12), {}, Bytes(20, 4));
  EXPECT_THAT(gcm_decrypt(key, Bytes(12), {}, sealed.ciphertext, ByteView{sealed.tag}.first(12)),
              FailsWith(ErrorCode::malformed));
}

/// What `openssl enc` makes of `input`, as the independent program.
Bytes openssl_enc(const std::string& cipher, ByteView key, ByteView iv, ByteView input) {
  Command command;
  command.argv = {"openssl", "enc", "-" + cipher, "-K", to_hex(key), "-iv", to_hex(iv), "-nopad"};
  return to_bytes(as_bytes(run_checked(command, input)->out));
}

TEST(Cfb, EqualsTheOpensslProgramAndIsUndone) {
  for (const std::size_t key_size : {16U, 32U}) {
    const Bytes key(key_size, 5);
    const Bytes iv(16, 6);
    for (const std::size_t size : {1U, 16U, 37U}) {
      const Bytes plaintext(size, 7);
      auto data = plaintext;
      cfb_encrypt(key, iv, data);
      EXPECT_EQ(data, openssl_enc(key_size == 16 ? "aes-128-cfb" : "aes-256-cfb", key, iv, plaintext));
      cfb_decrypt(key, iv, data);
      EXPECT_EQ(data, plaintext);
    }
  }
}

// IEEE 1619-2007, vector 10: AES-256-XTS, data unit 0xff, 512 bytes 00 01 .. ff 00 ..; the first 32 bytes.
// SP 800-38A, F.5.1.
TEST(Ctr, GivesThePublishedValue) {
  const auto key = *from_hex("2b7e151628aed2a6abf7158809cf4f3c");
  const auto iv = *from_hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  auto data = *from_hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
  const auto plaintext = data;
  ctr_apply(key, iv, data);
  EXPECT_EQ(to_hex(data), "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff");
  EXPECT_EQ(data, openssl_enc("aes-128-ctr", key, iv, plaintext));
  ctr_apply(key, iv, data);
  EXPECT_EQ(data, plaintext);
}

TEST(Xts, GivesTheStandardsValue) {
  const auto key = *from_hex(
      "2718281828459045235360287471352662497757247093699959574966967627"
      "3141592653589793238462643383279502884197169399375105820974944592");
  Bytes data(512);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i);
  XtsEncryptor{key, 512}.encrypt(data, 0xff * 512);
  EXPECT_EQ(to_hex(ByteView{data}.first(32)),
            "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b");
}

TEST(Xts, NumbersSectorsBy512BytesWhateverTheirSize) {
  const auto key = random_array<64>();
  Bytes whole(8192, 9);
  auto second = Bytes(4096, 9);
  XtsEncryptor{key, 4096}.encrypt(whole, 0);
  XtsEncryptor{key, 4096}.encrypt(second, 4096);
  EXPECT_TRUE(same_bytes(ByteView{whole}.subspan(4096), second));
  EXPECT_FALSE(same_bytes(ByteView{whole}.first(4096), second));
}

}  // namespace
}  // namespace sealift::crypto
