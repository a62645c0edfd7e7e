// SPDX-License-Identifier: Apache-2.0
#include "base/matchers.h"
#include "tpm/keys_for_test.h"

namespace sealift::tpm {
namespace {

class Endorsement : public testing::TestWithParam<EndorsementKey> {
 protected:
  crypto::PrivateKey key_ = fresh_key(GetParam().kind);
};

TEST_P(Endorsement, AreaFollowsFromTheKeyAlone) {
  const auto area = endorsement_key_area(key_.public_key());
  ASSERT_THAT(area, Succeeds());
  EXPECT_TRUE(GetParam().made(*area));
  EXPECT_EQ(area->key().value(), key_.public_key());
}

TEST_P(Endorsement, TemplateAllowsNoOtherBit) {
  const auto area = endorsement_key_area(key_.public_key()).value();
  const auto numbers = area.tpm2b().size() - (GetParam().kind == KeyKind::rsa2048 ? 258U : 0U);
  for (std::size_t bit = 0; bit < std::min<std::size_t>(numbers, 70) * 8; ++bit) {
    auto flipped = to_bytes(area.tpm2b());
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto other = Public::parse(flipped);
    if (!other || other->area().unique.rsa.size != area.area().unique.rsa.size) continue;
    EXPECT_FALSE(GetParam().made(*other)) << bit;
  }
}

TEST_P(Endorsement, IsNotMadeFromAnotherTemplate) {
  const auto area = endorsement_key_area(key_.public_key()).value();
  for (const auto& ek : endorsement_keys()) EXPECT_EQ(ek.made(area), ek.kind == GetParam().kind);
}

INSTANTIATE_TEST_SUITE_P(AllTemplates, Endorsement, testing::ValuesIn(endorsement_keys()),
                         [](const auto& test) { return std::string{name(test.param.kind)}; });

TEST(EndorsementKey, IsNoKeyOfAnotherSize) {
  EXPECT_THAT(endorsement_key_area(crypto::PrivateKey::generate_rsa(1024)->public_key()),
              FailsWith(ErrorCode::key_unsupported));
}

TEST(EndorsementKey, IsNotAStorageKey) {
  const auto storage = storage_key_of(fresh_key(KeyKind::p256), KeyKind::p256);
  for (const auto& ek : endorsement_keys()) EXPECT_FALSE(ek.made(storage));
}

}  // namespace
}  // namespace sealift::tpm
