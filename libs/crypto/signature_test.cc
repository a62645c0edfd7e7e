// SPDX-License-Identifier: Apache-2.0
#include "crypto/signature.h"

#include "base/file.h"
#include "base/matchers.h"
#include "base/process.h"

namespace sealift::crypto {
namespace {

const Bytes& message() {
  static const Bytes text(100, 'm');
  return text;
}

class Pss : public testing::TestWithParam<HashAlgorithm> {};
INSTANTIATE_TEST_SUITE_P(Hashes, Pss, testing::Values(HashAlgorithm::sha256, HashAlgorithm::sha384));

TEST_P(Pss, SignatureHoldsForItsMessageAndKeyAlone) {
  const auto key = PrivateKey::generate_rsa(2048).value();
  const auto signature = sign_pss(key, GetParam(), message()).value();
  EXPECT_THAT(verify_pss(key.public_key(), GetParam(), message(), signature), Succeeds());
  EXPECT_THAT(verify_pss(key.public_key(), GetParam(), Bytes(100, 'n'), signature),
              FailsWith(ErrorCode::signature_invalid));
  EXPECT_THAT(verify_pss(PrivateKey::generate_rsa(2048)->public_key(), GetParam(), message(), signature),
              FailsWith(ErrorCode::signature_invalid));
  EXPECT_THAT(verify_pss(key.public_key(), GetParam(), message(), ByteView{signature}.first(255)),
              FailsWith(ErrorCode::signature_invalid));
}

TEST_P(Pss, AgreesWithOpensslOnTheSalt) {
  const auto directory = TemporaryDirectory::create().value();
  const auto file = [&](const char* name) { return (directory.path() / name).string(); };
  const auto key = PrivateKey::generate_rsa(2048).value();
  const auto signature = sign_pss(key, GetParam(), message()).value();
  ASSERT_TRUE(write_file(file("key"), as_bytes(key.public_key().pem())));
  ASSERT_TRUE(write_file(file("signature"), signature));
  Command command;
  command.argv = {"openssl",
                  "dgst",
                  "-" + std::string{name(GetParam())},
                  "-verify",
                  file("key"),
                  "-signature",
                  file("signature"),
                  "-sigopt",
                  "rsa_padding_mode:pss",
                  "-sigopt",
                  "rsa_pss_saltlen:" + std::to_string(digest_size(GetParam()))};
  EXPECT_THAT(run_checked(command, message()), Succeeds());
}

TEST(PssSalt, IsRefusedWithAnotherSaltLength) {
  const auto directory = TemporaryDirectory::create().value();
  const auto file = [&](const char* name) { return (directory.path() / name).string(); };
  const auto key = PrivateKey::generate_rsa(2048).value();
  const auto pem = key.pem();
  ASSERT_TRUE(write_file(file("key"), pem.expose()));
  Command command;
  command.argv = {"openssl",
                  "dgst",
                  "-sha256",
                  "-sign",
                  file("key"),
                  "-out",
                  file("signature"),
                  "-sigopt",
                  "rsa_padding_mode:pss",
                  "-sigopt",
                  "rsa_pss_saltlen:20"};
  ASSERT_THAT(run_checked(command, message()), Succeeds());
  const auto signature = read_file(file("signature"), 1024).value();
  EXPECT_THAT(verify_pss(key.public_key(), HashAlgorithm::sha256, message(), signature),
              FailsWith(ErrorCode::signature_invalid));
}

class Ecdsa : public testing::TestWithParam<Curve> {};
INSTANTIATE_TEST_SUITE_P(Curves, Ecdsa, testing::Values(Curve::p256, Curve::p384));

TEST_P(Ecdsa, NumbersHoldForTheirMessageAlone) {
  const auto key = PrivateKey::generate_ec(GetParam()).value();
  const auto numbers = sign_ecdsa(key, HashAlgorithm::sha256, message()).value();
  EXPECT_EQ(numbers.r.size(), coordinate_size(GetParam()));
  EXPECT_EQ(numbers.s.size(), coordinate_size(GetParam()));
  EXPECT_THAT(verify_ecdsa(key.public_key(), HashAlgorithm::sha256, message(), numbers), Succeeds());
  EXPECT_THAT(verify_ecdsa(key.public_key(), HashAlgorithm::sha256, Bytes(3), numbers),
              FailsWith(ErrorCode::signature_invalid));
}

TEST_P(Ecdsa, RefusesNumbersOutOfRange) {
  const auto key = PrivateKey::generate_ec(GetParam())->public_key();
  const auto size = coordinate_size(GetParam());
  for (const auto& number : {Bytes(size), Bytes(size, 0xff)}) {
    EXPECT_THAT(verify_ecdsa(key, HashAlgorithm::sha256, message(), {number, number}),
                FailsWith(ErrorCode::signature_invalid));
  }
}

TEST(SignatureKinds, RefuseKeysOfTheOtherType) {
  const auto rsa = PrivateKey::generate_rsa(2048).value();
  const auto ec = PrivateKey::generate_ec(Curve::p256).value();
  EXPECT_THAT(sign_pss(ec, HashAlgorithm::sha256, message()), FailsWith(ErrorCode::key_unsupported));
  EXPECT_THAT(verify_pss(ec.public_key(), HashAlgorithm::sha256, message(), message()),
              FailsWith(ErrorCode::key_unsupported));
  EXPECT_THAT(sign_ecdsa(rsa, HashAlgorithm::sha256, message()), FailsWith(ErrorCode::key_unsupported));
  EXPECT_THAT(verify_ecdsa(rsa.public_key(), HashAlgorithm::sha256, message(), {Bytes(1), Bytes(1)}),
              FailsWith(ErrorCode::key_unsupported));
}

}  // namespace
}  // namespace sealift::crypto
