// SPDX-License-Identifier: Apache-2.0
#include "crypto/key.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "base/process.h"

namespace sealift::crypto {
namespace {

const PrivateKey& rsa() {
  static const PrivateKey key = PrivateKey::generate_rsa(2048).value();
  return key;
}

TEST(Oaep, OpensWithTheSameHashAndLabelOnly) {
  const auto label = as_bytes(std::string_view{"DUPLICATE\0", 10});
  const auto secret = Bytes(32, 7);
  const auto sealed = rsa().public_key().oaep_encrypt(HashAlgorithm::sha256, label, secret).value();
  EXPECT_TRUE(rsa().oaep_decrypt(HashAlgorithm::sha256, label, sealed)->equals(secret));
  EXPECT_THAT(rsa().oaep_decrypt(HashAlgorithm::sha256, {}, sealed), FailsWith(ErrorCode::decryption_failed));
  EXPECT_THAT(rsa().oaep_decrypt(HashAlgorithm::sha1, label, sealed),
              FailsWith(ErrorCode::decryption_failed));
}

TEST(Oaep, RefusesAPlaintextThatIsTooLong) {
  EXPECT_THAT(rsa().public_key().oaep_encrypt(HashAlgorithm::sha256, {}, Bytes(191)),
              FailsWith(ErrorCode::invalid_argument));
}

TEST(Ecdh, GivesBothSidesTheSamePaddedCoordinate) {
  for (const auto curve : {Curve::p256, Curve::p384}) {
    const auto one = PrivateKey::generate_ec(curve).value();
    const auto two = PrivateKey::generate_ec(curve).value();
    const auto shared = one.ecdh(two.public_key()).value();
    EXPECT_TRUE(two.ecdh(one.public_key())->equals(shared.expose()));
    EXPECT_EQ(shared.size(), coordinate_size(curve));
  }
}

TEST(Ecdh, RefusesKeysOfDifferentCurves) {
  const auto one = PrivateKey::generate_ec(Curve::p256).value();
  const auto two = PrivateKey::generate_ec(Curve::p384).value();
  EXPECT_THAT(one.ecdh(two.public_key()), FailsWith(ErrorCode::key_unsupported));
}

TEST(PublicKeyTest, IsTheSameAfterBeingTakenApart) {
  const auto rsa_key = rsa().public_key();
  EXPECT_EQ(PublicKey::from_rsa(*rsa_key.rsa()).value(), rsa_key);
  const auto ec_key = PrivateKey::generate_ec(Curve::p384)->public_key();
  EXPECT_EQ(PublicKey::from_ec(*ec_key.ec()).value(), ec_key);
  EXPECT_EQ(PublicKey::parse(as_bytes(ec_key.pem())).value(), ec_key);
  EXPECT_EQ(PublicKey::parse(ec_key.der()).value(), ec_key);
  EXPECT_FALSE(rsa_key == ec_key);
}

TEST(PublicKeyTest, RefusesAPointOffTheCurve) {
  auto point = PrivateKey::generate_ec(Curve::p256)->public_key().ec().value();
  point.y.back() ^= 1;
  EXPECT_THAT(PublicKey::from_ec(point), FailsWith(ErrorCode::key_unsupported));
}

TEST(PublicKeyTest, RefusesWhatIsNoPublicKey) {
  EXPECT_THAT(PublicKey::parse(Bytes{}), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(PublicKey::parse(as_bytes("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")),
              FailsWith(ErrorCode::malformed));
}

TEST(PublicKeyTest, IsWrittenAsTheOpensslProgramWritesIt) {
  const auto directory = TemporaryDirectory::create().value();
  std::vector<PrivateKey> keys;
  for (const int bits : {2048, 2056, 3072}) keys.push_back(PrivateKey::generate_rsa(bits).value());
  for (const auto curve : {Curve::p256, Curve::p384}) keys.push_back(PrivateKey::generate_ec(curve).value());
  for (const auto& key : keys) {
    const auto pem = key.pem();
    const auto path = (directory.path() / "key.pem").string();
    std::filesystem::remove(path);
    ASSERT_THAT(write_file(path, pem.expose()), Succeeds());
    Command command;
    command.argv = {"openssl", "pkey", "-pubout", "-in", path};
    EXPECT_EQ(run_checked(command)->out, key.public_key().pem());
    command.argv.insert(command.argv.end(), {"-outform", "DER"});
    EXPECT_EQ(to_hex(as_bytes(run_checked(command)->out)), to_hex(key.public_key().der()));
  }
}

TEST(Signature, IsRefusedForAnotherMessageOrKey) {
  const auto key = PrivateKey::generate_ec(Curve::p256).value();
  const auto signature = key.sign(HashAlgorithm::sha256, as_bytes("message")).value();
  EXPECT_THAT(key.public_key().verify(HashAlgorithm::sha256, as_bytes("message"), signature), Succeeds());
  EXPECT_THAT(key.public_key().verify(HashAlgorithm::sha256, as_bytes("massage"), signature),
              FailsWith(ErrorCode::signature_invalid));
  EXPECT_THAT(rsa().public_key().verify(HashAlgorithm::sha256, as_bytes("message"), signature),
              FailsWith(ErrorCode::signature_invalid));
}

TEST(PrivateKeyTest, NeedsItsPassphrase) {
  const auto directory = TemporaryDirectory::create().value();
  const auto path = (directory.path() / "key.pem").string();
  Command command;
  command.argv = {"openssl", "genpkey", "-algorithm",       "EC",   "-pkeyopt", "ec_paramgen_curve:P-256",
                  "-aes256", "-pass",   "pass:open sesame", "-out", path};
  ASSERT_THAT(run_checked(command), Succeeds());
  const auto pem = read_file(path, 4096).value();
  EXPECT_THAT(PrivateKey::parse(pem, as_bytes("open sesame")), Succeeds());
  EXPECT_THAT(PrivateKey::parse(pem), FailsWith(ErrorCode::decryption_failed));
  EXPECT_THAT(PrivateKey::parse(pem, as_bytes("guess")), FailsWith(ErrorCode::decryption_failed));
}

}  // namespace
}  // namespace sealift::crypto
