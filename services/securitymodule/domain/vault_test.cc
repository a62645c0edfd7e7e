// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/vault.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

const Vault& vault() {
  static const Vault kVault{root_key_of(7)};
  return kVault;
}
SeedOwner owner() { return {"acme", kImage, as_bytes("metadata")}; }
auto refused() { return FailsWith(ErrorCode::authentication_failed); }

TEST(VaultTest, GivesASeedBackToItsOwnerAlone) {
  const auto wrapped = vault().wrap(taken_seed(1), owner());
  const auto opened = vault().unwrap(wrapped, owner());
  ASSERT_THAT(opened, Succeeds());
  EXPECT_TRUE(opened->equals(Bytes(esm::kSeedSize, 1)));
  EXPECT_THAT(vault().unwrap(wrapped, {"umbrella", kImage, as_bytes("metadata")}), refused());
  EXPECT_THAT(vault().unwrap(wrapped, {"acme", kOtherImage, as_bytes("metadata")}), refused());
  EXPECT_THAT(vault().unwrap(wrapped, {"acme", kImage, as_bytes("other")}), refused());
  EXPECT_THAT(Vault{root_key_of(8)}.unwrap(wrapped, owner()), refused());
}

TEST(VaultTest, NeverWrapsTheSameWayTwice) {
  EXPECT_NE(vault().wrap(taken_seed(1), owner()), vault().wrap(taken_seed(1), owner()));
}

TEST(VaultTest, NoticesEveryEditOfAWrappedSeed) {
  const auto wrapped = vault().wrap(taken_seed(1), owner());
  for (std::size_t i = 0; i < wrapped.size() * 8; ++i) {
    auto edited = wrapped;
    edited[i / 8] ^= static_cast<std::uint8_t>(1U << (i % 8));
    EXPECT_THAT(vault().unwrap(edited, owner()), refused()) << i;
  }
  for (std::size_t size = 0; size < wrapped.size(); ++size)
    EXPECT_THAT(vault().unwrap(ByteView{wrapped}.first(size), owner()), refused()) << size;
  auto longer = wrapped;
  longer.push_back(0);
  EXPECT_THAT(vault().unwrap(longer, owner()), refused());
}

TEST(VaultTest, StampsARecordForItsKindAndKeyAlone) {
  using enum RecordKind;
  const auto stamped = vault().stamp(enrolment, {as_bytes("acme"), as_bytes("key")}, as_bytes("content"));
  const auto content = vault().check(enrolment, {as_bytes("acme"), as_bytes("key")}, stamped);
  ASSERT_THAT(content, Succeeds());
  EXPECT_EQ(as_text(*content), "content");
  EXPECT_THAT(vault().check(question, {as_bytes("acme"), as_bytes("key")}, stamped), refused());
  EXPECT_THAT(vault().check(enrolment, {as_bytes("acm"), as_bytes("ekey")}, stamped), refused());
  EXPECT_THAT(vault().check(enrolment, {as_bytes("acmekey")}, stamped), refused());
  EXPECT_THAT(vault().check(enrolment, {as_bytes("acme"), as_bytes("key"), {}}, stamped), refused());
  EXPECT_THAT(Vault{root_key_of(8)}.check(enrolment, {as_bytes("acme"), as_bytes("key")}, stamped),
              refused());
}

TEST(VaultTest, NoticesEveryEditOfAStampedRecord) {
  const std::initializer_list<ByteView> key{as_bytes("acme")};
  const auto stamped = vault().stamp(RecordKind::authorization, key, as_bytes("content"));
  for (std::size_t i = 0; i < stamped.size() * 8; ++i) {
    auto edited = stamped;
    edited[i / 8] ^= static_cast<std::uint8_t>(1U << (i % 8));
    EXPECT_THAT(vault().check(RecordKind::authorization, key, edited), refused()) << i;
  }
  for (std::size_t size = 0; size < stamped.size(); ++size)
    EXPECT_THAT(vault().check(RecordKind::authorization, key, ByteView{stamped}.first(size)), refused());
}

}  // namespace
}  // namespace sealift::securitymodule
