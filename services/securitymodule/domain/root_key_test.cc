// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/root_key.h"

#include "services/securitymodule/adapters/key_file.h"
#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

class RootKeyTest : public testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }
  KeyFileProtector protector(const std::string& name = "key") const {
    if (!std::filesystem::exists(path(name))) {
      EXPECT_THAT(KeyFileProtector::create(path(name)), Succeeds());
    }
    return KeyFileProtector::open(path(name)).value();
  }

 private:
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();

 protected:
  std::unique_ptr<sql::Database> database =
      store::open("sqlite:" + path("keys.db").string(), store::Schema::keys).value();
  std::unique_ptr<store::RootKeyStore> store = store::make_root_key_store(*database);
};

TEST_F(RootKeyTest, IsNeverMadeByOpening) {
  EXPECT_THAT(open_vault(*store, protector()), FailsAt(ErrorCode::failed_precondition, "protector"));
  EXPECT_THAT(store->get(), FailsWith(ErrorCode::not_found));
}

TEST_F(RootKeyTest, IsMadeOnceForAllReplicas) {
  ASSERT_THAT(make_root_key(*store, protector()), Succeeds());
  const auto first = open_vault(*store, protector()).value();
  ASSERT_THAT(make_root_key(*store, protector()), Succeeds());
  const auto second = open_vault(*store, protector()).value();
  const SeedOwner owner{"acme", kImage, {}};
  EXPECT_THAT(second.unwrap(first.wrap(taken_seed(1), owner), owner), Succeeds());
}

TEST_F(RootKeyTest, StaysShutForAnotherKeyWhichIsNamed) {
  ASSERT_THAT(make_root_key(*store, protector()), Succeeds());
  const auto refused = open_vault(*store, protector("other"));
  ASSERT_THAT(refused, FailsAt(ErrorCode::failed_precondition, "protector"));
  EXPECT_NE(refused.error().message.find(protector().key_id()), std::string::npos);
  EXPECT_NE(refused.error().message.find(protector("other").key_id()), std::string::npos);
  ASSERT_THAT(make_root_key(*store, protector("other")), Succeeds());
  EXPECT_THAT(open_vault(*store, protector()), Succeeds());
}

TEST_F(RootKeyTest, IsNotOpenedWhereAnyBitIsAltered) {
  ASSERT_THAT(make_root_key(*store, protector()), Succeeds());
  const auto wrapped = store->get().value();
  for (std::size_t i = 0; i < wrapped.size() * 8; ++i) {
    auto edited = wrapped;
    edited[i / 8] ^= static_cast<std::uint8_t>(1U << (i % 8));
    EXPECT_FALSE(protector().unwrap(edited, as_bytes("sealift sm v1 root key"))) << i;
  }
  for (std::size_t size = 0; size < wrapped.size(); ++size)
    EXPECT_FALSE(protector().unwrap(ByteView{wrapped}.first(size), as_bytes("sealift sm v1 root key")))
        << size;
}

TEST_F(RootKeyTest, OfAnotherPurposeIsNotTaken) {
  const auto wrapped = protector().wrap(Bytes(kRootKeySize), as_bytes("something else")).value();
  ByteWriter document;
  document.u8(2).sized16(as_bytes(protector().key_id())).sized16(wrapped);
  ASSERT_THAT(store->put_if_absent(document.view()), Succeeds());
  EXPECT_THAT(open_vault(*store, protector()), FailsWith(ErrorCode::authentication_failed));
}

TEST_F(RootKeyTest, IsNotOpenedWhereTheListOfItsWrapsIsDamaged) {
  ASSERT_THAT(make_root_key(*store, protector()), Succeeds());
  auto document = store->get().value();
  for (std::size_t i = 0; i < document.size(); ++i) {
    auto edited = document;
    edited[i] ^= 0x10;
    ASSERT_THAT(store->replace(document, edited), Succeeds());
    EXPECT_FALSE(open_vault(*store, protector())) << i;
    ASSERT_THAT(store->replace(edited, to_bytes(ByteView{document}.first(i))), Succeeds());
    EXPECT_FALSE(open_vault(*store, protector())) << i;
    ASSERT_THAT(store->replace(store->get().value(), document), Succeeds());
  }
  EXPECT_THAT(open_vault(*store, protector()), Succeeds());
}

TEST_F(RootKeyTest, IsRewrappedByOneOfThoseWhoRotateAtOnce) {
  ASSERT_THAT(make_root_key(*store, protector()), Succeeds());
  ASSERT_THAT(rewrap(*store, protector(), protector("other"), OldWraps::remove), Succeeds());
  EXPECT_THAT(rewrap(*store, protector(), protector("third"), OldWraps::remove),
              FailsAt(ErrorCode::failed_precondition, "protector"));
  EXPECT_EQ(protecting_keys(*store).value(), std::vector{protector("other").key_id()});
}

}  // namespace
}  // namespace sealift::securitymodule
