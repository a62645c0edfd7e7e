// SPDX-License-Identifier: Apache-2.0
#include "tpm/seal.h"

#include "base/matchers.h"
#include "tpm/keys_for_test.h"

namespace sealift::tpm {
namespace {

const Digest kPolicy{Bytes(32, 0x55)};

class SealedTo : public testing::TestWithParam<KeyKind> {
 protected:
  crypto::PrivateKey key_ = fresh_key(GetParam());
  StorageKey parent_ = StorageKey::prepare(storage_key_of(key_, GetParam())).value();
};

TEST_P(SealedTo, MakesADataObjectUsableByPolicyOnly) {
  const auto sealed = parent_.seal(as_bytes("secret"), kPolicy);
  ASSERT_THAT(sealed, Succeeds());
  const auto object = Public::parse(sealed->public_area);
  ASSERT_THAT(object, Succeeds());
  EXPECT_EQ(object->area().type, TPM2_ALG_KEYEDHASH);
  EXPECT_EQ(object->area().objectAttributes, 0x00000480U);  // adminWithPolicy, noDA
  EXPECT_TRUE(same_bytes({object->area().authPolicy.buffer, object->area().authPolicy.size}, kPolicy.view()));
}

TEST_P(SealedTo, NeverMakesTheSameTwice) {
  const auto one = parent_.seal(as_bytes("secret"), kPolicy).value();
  const auto two = parent_.seal(as_bytes("secret"), kPolicy).value();
  EXPECT_NE(one.public_area, two.public_area);
  EXPECT_NE(one.duplicate, two.duplicate);
  EXPECT_NE(one.seed, two.seed);
}

TEST_P(SealedTo, TakesOneTo128BytesAndASha256Policy) {
  EXPECT_THAT(parent_.seal(Bytes(1), kPolicy), Succeeds());
  EXPECT_THAT(parent_.seal(Bytes(128), kPolicy), Succeeds());
  EXPECT_THAT(parent_.seal({}, kPolicy), FailsAt(ErrorCode::invalid_argument, "secret"));
  EXPECT_THAT(parent_.seal(Bytes(129), kPolicy), FailsAt(ErrorCode::invalid_argument, "secret"));
  EXPECT_THAT(parent_.seal(Bytes(1), Digest{Bytes(48)}), FailsAt(ErrorCode::invalid_argument, "policy"));
}

INSTANTIATE_TEST_SUITE_P(AllKinds, SealedTo, testing::Values(KeyKind::rsa2048, KeyKind::p256, KeyKind::p384),
                         [](const auto& test) { return std::string{name(test.param)}; });

TEST(StorageKey, KeepsItsName) {
  const auto area = storage_key_of(fresh_key(KeyKind::p256), KeyKind::p256);
  EXPECT_EQ(StorageKey::prepare(area)->name(), area.name());
}

TEST(StorageKey, MustBeARestrictedDecryptionKey) {
  const auto good = storage_key_of(fresh_key(KeyKind::p256), KeyKind::p256).area();
  for (const auto bit : {TPMA_OBJECT_RESTRICTED, TPMA_OBJECT_DECRYPT, TPMA_OBJECT_SIGN_ENCRYPT}) {
    auto area = good;
    area.objectAttributes ^= bit;
    EXPECT_THAT(StorageKey::prepare(Public::from_template(area).value()),
                FailsAt(ErrorCode::key_unsupported, "objectAttributes"))
        << bit;
  }
}

TEST(StorageKey, MustProtectItsChildrenWithAesCfb) {
  auto area = storage_key_of(fresh_key(KeyKind::p256), KeyKind::p256).area();
  area.parameters.eccDetail.symmetric.keyBits.aes = 192;
  EXPECT_THAT(StorageKey::prepare(Public::from_template(area).value()),
              FailsAt(ErrorCode::key_unsupported, "symmetric.keyBits"));
  area.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_CAMELLIA;
  EXPECT_THAT(StorageKey::prepare(Public::from_template(area).value()),
              FailsAt(ErrorCode::key_unsupported, "symmetric"));
  area.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
  EXPECT_THAT(StorageKey::prepare(Public::from_template(area).value()),
              FailsAt(ErrorCode::key_unsupported, "symmetric"));
}

TEST(StorageKey, IsNotASealedObject) {
  const auto parent = StorageKey::prepare(storage_key_of(fresh_key(KeyKind::p256), KeyKind::p256)).value();
  const auto object = Public::parse(parent.seal(as_bytes("secret"), kPolicy)->public_area).value();
  EXPECT_THAT(StorageKey::prepare(object), FailsAt(ErrorCode::key_unsupported, "type"));
}

}  // namespace
}  // namespace sealift::tpm
