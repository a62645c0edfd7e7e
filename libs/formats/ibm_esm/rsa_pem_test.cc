// SPDX-License-Identifier: Apache-2.0
#include "formats/ibm_esm/rsa_pem.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "crypto/base64.h"
#include "formats/ibm_esm/samples_for_test.h"

namespace sealift::ibm_esm {
namespace {

std::string sample_pem() { return samples::key().public_key().pem(); }

std::string pem_of(ByteView der) {
  return "-----BEGIN PUBLIC KEY-----\n" + crypto::to_base64(der) + "\n-----END PUBLIC KEY-----\n";
}

TEST(PlainRsaPem, IsReadAsOpensslReadsIt) {
  const auto numbers = plain_rsa_pem(as_bytes(sample_pem()));
  ASSERT_TRUE(numbers.has_value());
  EXPECT_EQ(crypto::PublicKey::from_rsa(*numbers).value(), samples::key().public_key());
}

TEST(PlainRsaPem, LeavesEverythingElseToOpenssl) {
  EXPECT_FALSE(plain_rsa_pem({}).has_value());
  EXPECT_FALSE(plain_rsa_pem(as_bytes("# comment\n" + sample_pem())).has_value());
  EXPECT_FALSE(plain_rsa_pem(as_bytes(sample_pem() + "\n")).has_value());
  const auto ec = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value();
  EXPECT_FALSE(plain_rsa_pem(as_bytes(ec.public_key().pem())).has_value());
}

TEST(PlainRsaPem, NeverReadsAnotherKeyThanOpensslWhateverBitFlips) {
  const auto der = samples::key().public_key().der();
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(plain_rsa_pem(as_bytes(pem_of(ByteView{der}.first(size)))).has_value()) << size;
  }
  for (std::size_t bit = 0; bit < 40 * 8; ++bit) {  // up to the modulus: all the structure there is
    auto flipped = der;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    const auto numbers = plain_rsa_pem(as_bytes(pem_of(flipped)));
    if (!numbers) continue;
    const auto theirs = crypto::PublicKey::parse(flipped);
    ASSERT_THAT(theirs, Succeeds()) << bit;
    EXPECT_EQ(crypto::PublicKey::from_rsa(*numbers).value(), *theirs) << bit;
  }
}

}  // namespace
}  // namespace sealift::ibm_esm
