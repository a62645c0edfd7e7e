// SPDX-License-Identifier: Apache-2.0
#include "tpm/types.h"

#include "base/matchers.h"
#include "tpm/keys_for_test.h"

namespace sealift::tpm {
namespace {

class PublicOf : public testing::TestWithParam<KeyKind> {
 protected:
  crypto::PrivateKey key_ = fresh_key(GetParam());
  Public public_ = storage_key_of(key_, GetParam());
};

TEST_P(PublicOf, ParsesWhatItWrote) {
  const auto again = Public::parse(public_.tpm2b());
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(*again, public_);
  EXPECT_EQ(again->name(), public_.name());
}

TEST_P(PublicOf, GivesTheKey) {
  const auto key = public_.key();
  ASSERT_THAT(key, Succeeds());
  EXPECT_EQ(*key, key_.public_key());
}

TEST_P(PublicOf, RefusesEveryTruncation) {
  for (std::size_t size = 0; size < public_.tpm2b().size(); ++size) {
    EXPECT_THAT(Public::parse(public_.tpm2b().first(size)), FailsWith(ErrorCode::truncated)) << size;
  }
}

TEST_P(PublicOf, RefusesBytesAfterTheEnd) {
  auto longer = to_bytes(public_.tpm2b());
  longer.push_back(0);
  EXPECT_THAT(Public::parse(longer), FailsWith(ErrorCode::malformed));
}

TEST_P(PublicOf, RefusesBytesInsideAfterTheArea) {
  auto longer = to_bytes(public_.tpm2b());
  longer.push_back(0);
  const auto size = longer.size() - 2;
  longer[0] = static_cast<std::uint8_t>(size >> 8U);
  longer[1] = static_cast<std::uint8_t>(size);
  EXPECT_THAT(Public::parse(longer), FailsWith(ErrorCode::malformed));
}

TEST_P(PublicOf, GivesEveryFlippedBitAnotherNameOrRefusesIt) {
  for (std::size_t bit = 0; bit < public_.tpm2b().size() * 8; ++bit) {
    auto flipped = to_bytes(public_.tpm2b());
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto parsed = Public::parse(flipped);
    if (!parsed) continue;
    EXPECT_NE(parsed->name(), public_.name()) << bit;
    EXPECT_TRUE(same_bytes(parsed->tpm2b(), flipped)) << bit;
  }
}

INSTANTIATE_TEST_SUITE_P(AllKinds, PublicOf, testing::Values(KeyKind::rsa2048, KeyKind::p256, KeyKind::p384),
                         [](const auto& test) { return std::string{name(test.param)}; });

TEST(Public, RefusesAPointThatIsNotOnItsCurve) {
  auto area = storage_key_of(fresh_key(KeyKind::p256), KeyKind::p256).area();
  area.unique.ecc.y.buffer[31] ^= 1U;
  EXPECT_THAT(Public::from_template(area)->key(), FailsWith(ErrorCode::key_unsupported));
}

TEST(Public, PadsACoordinateWhoseLeadingZerosAreLeftOut) {
  for (;;) {
    const auto key = fresh_key(KeyKind::p256);
    auto area = storage_key_of(key, KeyKind::p256).area();
    auto& x = area.unique.ecc.x;
    if (x.buffer[0] != 0) continue;
    std::copy(x.buffer + 1, x.buffer + 32, x.buffer);
    x.size = 31;
    EXPECT_EQ(Public::from_template(area)->key().value(), key.public_key());
    return;
  }
}

TEST(Public, RefusesAModulusOfAnotherSizeThanTheKeySizeSays) {
  auto area = storage_key_of(fresh_key(KeyKind::rsa2048), KeyKind::rsa2048).area();
  area.unique.rsa.size = 255;
  EXPECT_THAT(Public::from_template(area)->key(), FailsAt(ErrorCode::malformed, "unique"));
}

TEST(Public, RefusesAWeakRsaExponent) {
  auto area = storage_key_of(fresh_key(KeyKind::rsa2048), KeyKind::rsa2048).area();
  for (const std::uint32_t exponent : {1U, 3U, 65536U, 65538U}) {
    area.parameters.rsaDetail.exponent = exponent;
    EXPECT_THAT(Public::from_template(area)->key(), FailsAt(ErrorCode::key_unsupported, "exponent"))
        << exponent;
  }
}

TEST(Public, RefusesATemplateAsAKey) {
  const auto area = firmware_profile().storage_key_template(KeyKind::rsa2048, some_pcrs());
  EXPECT_THAT(Public::from_template(area)->key(), FailsAt(ErrorCode::malformed, "unique"));
}

TEST(Public, RefusesAnUnknownNameAlgorithm) {
  auto area = firmware_profile().storage_key_template(KeyKind::rsa2048, some_pcrs());
  area.nameAlg = TPM2_ALG_SM3_256;
  EXPECT_THAT(Public::from_template(area), FailsWith(ErrorCode::unsupported));
  area.nameAlg = TPM2_ALG_NULL;
  EXPECT_THAT(Public::from_template(area), FailsWith(ErrorCode::unsupported));
}

TEST(Name, OfAHandleIsTheHandle) { EXPECT_EQ(Name::of_handle(0x40000001).hex(), "40000001"); }

TEST(Name, ParsesItsOwnHexadecimalForm) {
  const auto name = Name::of_public_area(HashAlgorithm::sha384, as_bytes("area"));
  EXPECT_EQ(Name::from_hex(name.hex()).value(), name);
  EXPECT_EQ(name.view().size(), 2U + 48U);
}

TEST(Name, RefusesADigestOfTheWrongLengthAndUnknownAlgorithms) {
  const auto name = Name::of_public_area(HashAlgorithm::sha256, as_bytes("area"));
  auto bytes = to_bytes(name.view());
  EXPECT_THAT(Name::parse(ByteView{bytes}.first(33)), FailsWith(ErrorCode::truncated));
  bytes.push_back(0);
  EXPECT_THAT(Name::parse(bytes), FailsWith(ErrorCode::malformed));
  bytes[1] = 0x12;
  EXPECT_THAT(Name::parse(bytes), FailsWith(ErrorCode::unsupported));
}

}  // namespace
}  // namespace sealift::tpm
