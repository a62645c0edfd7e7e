// SPDX-License-Identifier: Apache-2.0
#include "tpm/credential.h"

#include "base/matchers.h"
#include "tpm/keys_for_test.h"

namespace sealift::tpm {
namespace {

const Name kName = Name::of_public_area(HashAlgorithm::sha256, as_bytes("area"));

TEST(MakeCredential, TakesASecretOfAtMostOneDigest) {
  const auto ek = endorsement_key_area(fresh_key(KeyKind::p256).public_key()).value();
  EXPECT_THAT(make_credential(ek, kName, Bytes(32)), Succeeds());
  EXPECT_THAT(make_credential(ek, kName, Bytes(33)), FailsAt(ErrorCode::invalid_argument, "secret"));
  EXPECT_THAT(make_credential(ek, kName, {}), FailsAt(ErrorCode::invalid_argument, "secret"));
}

TEST(MakeCredential, RefusesAKeyThatIsNoRestrictedDecryptionKey) {
  auto area = endorsement_key_area(fresh_key(KeyKind::p256).public_key())->area();
  area.objectAttributes ^= TPMA_OBJECT_RESTRICTED;
  EXPECT_THAT(make_credential(Public::from_template(area).value(), kName, Bytes(32)),
              FailsAt(ErrorCode::key_unsupported, "objectAttributes"));
}

class CredentialFile : public testing::Test {
 protected:
  Credential credential_ =
      make_credential(endorsement_key_area(fresh_key(KeyKind::rsa2048).public_key()).value(), kName,
                      Bytes(32))
          .value();
  Bytes file_ = credential_file(credential_);
};

TEST_F(CredentialFile, ParsesToWhatWasWritten) {
  EXPECT_EQ(parse_credential_file(file_).value(), credential_);
  EXPECT_EQ(to_hex(ByteView{file_}.first(8)), "badcc0de00000001");
}

TEST_F(CredentialFile, IsRefusedInEveryTruncation) {
  for (std::size_t size = 0; size < file_.size(); ++size) {
    EXPECT_THAT(parse_credential_file(ByteView{file_}.first(size)), FailsWith(ErrorCode::truncated)) << size;
  }
}

TEST_F(CredentialFile, IsRefusedWithBytesAfterTheEnd) {
  file_.push_back(0);
  EXPECT_THAT(parse_credential_file(file_), FailsWith(ErrorCode::malformed));
}

TEST_F(CredentialFile, IsAnotherOneOrRefusedWithAnyBitFlipped) {
  for (std::size_t bit = 0; bit < file_.size() * 8; ++bit) {
    auto flipped = file_;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto parsed = parse_credential_file(flipped);
    if (!parsed) continue;
    EXPECT_EQ(credential_file(*parsed), flipped) << bit;
  }
}

TEST(CredentialFileOf, RefusesEmptyStructures) {
  EXPECT_THAT(parse_credential_file(from_hex("badcc0de0000000100000000").value()),
              FailsWith(ErrorCode::malformed));
}

TEST(CredentialFileOf, RefusesAnotherMagicAndVersion) {
  EXPECT_THAT(parse_credential_file(from_hex("badcc0df00000001").value()),
              FailsAt(ErrorCode::malformed, "magic"));
  EXPECT_THAT(parse_credential_file(from_hex("badcc0de00000002").value()),
              FailsAt(ErrorCode::unsupported, "version"));
}

}  // namespace
}  // namespace sealift::tpm
