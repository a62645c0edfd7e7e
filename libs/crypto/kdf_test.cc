// SPDX-License-Identifier: Apache-2.0
#include "crypto/kdf.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypto/openssl.h"

namespace sealift::crypto {
namespace {

using Kdf = std::unique_ptr<EVP_KDF, FreeWith<EVP_KDF_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, FreeWith<EVP_KDF_CTX_free>>;

OSSL_PARAM octets(const char* key, Bytes& bytes) {
  return OSSL_PARAM_construct_octet_string(key, bytes.data(), bytes.size());
}
OSSL_PARAM word(const char* key, std::string& text) {
  return OSSL_PARAM_construct_utf8_string(key, text.data(), 0);
}

/// OpenSSL's own derivation, as the independent program.
Bytes openssl_kdf(const char* name, std::vector<OSSL_PARAM> params, std::size_t size) {
  const Kdf kdf{EVP_KDF_fetch(nullptr, name, nullptr)};
  const KdfContext context{EVP_KDF_CTX_new(kdf.get())};
  params.push_back(OSSL_PARAM_construct_end());
  Bytes out(size);
  EXPECT_EQ(EVP_KDF_derive(context.get(), out.data(), out.size(), params.data()), 1) << openssl_errors();
  return out;
}

// RFC 5869, test case 1.
TEST(Hkdf, GivesTheStandardsValue) {
  const auto okm = hkdf(HashAlgorithm::sha256, Bytes(22, 0x0b), *from_hex("000102030405060708090a0b0c"),
                        *from_hex("f0f1f2f3f4f5f6f7f8f9"), 42);
  EXPECT_EQ(to_hex(okm.expose()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

TEST(Hkdf, EqualsOpenSslForEverySizeUpToThreeBlocks) {
  Bytes key(32, 1);
  Bytes salt(16, 2);
  Bytes info(5, 3);
  std::string hash = "SHA512";
  for (std::size_t size = 1; size <= 192; ++size) {
    const auto expected = openssl_kdf("HKDF",
                                      {word(OSSL_KDF_PARAM_DIGEST, hash), octets(OSSL_KDF_PARAM_KEY, key),
                                       octets(OSSL_KDF_PARAM_SALT, salt), octets(OSSL_KDF_PARAM_INFO, info)},
                                      size);
    ASSERT_TRUE(hkdf(HashAlgorithm::sha512, key, salt, info, size).equals(expected)) << size;
  }
}

TEST(Kdfa, EqualsOpenSslsSp800108CounterMode) {
  Bytes key(32, 1);
  Bytes label = to_bytes(as_bytes("STORAGE"));
  Bytes context(34, 4);
  std::string hash = "SHA256";
  std::string mac = "HMAC";
  for (const std::size_t size : {16U, 32U, 48U, 64U}) {
    const auto expected = openssl_kdf(
        "KBKDF",
        {word(OSSL_KDF_PARAM_DIGEST, hash), word(OSSL_KDF_PARAM_MAC, mac), octets(OSSL_KDF_PARAM_KEY, key),
         octets(OSSL_KDF_PARAM_SALT, label), octets(OSSL_KDF_PARAM_INFO, context)},
        size);
    EXPECT_TRUE(kdfa(HashAlgorithm::sha256, key, "STORAGE", ByteView{context}.first(10),
                     ByteView{context}.subspan(10), size)
                    .equals(expected))
        << size;
  }
}

TEST(Kdfe, EqualsOpenSslsSingleStepKdf) {
  Bytes z(32, 1);
  std::string hash = "SHA256";
  const Bytes u(32, 2);
  const Bytes v(32, 3);
  Bytes info = ByteWriter{}.text("DUPLICATE").u8(0).bytes(u).bytes(v).view();
  const auto expected = openssl_kdf(
      "SSKDF",
      {word(OSSL_KDF_PARAM_DIGEST, hash), octets(OSSL_KDF_PARAM_KEY, z), octets(OSSL_KDF_PARAM_INFO, info)},
      48);
  EXPECT_TRUE(kdfe(HashAlgorithm::sha256, z, "DUPLICATE", u, v, 48).equals(expected));
}

}  // namespace
}  // namespace sealift::crypto
