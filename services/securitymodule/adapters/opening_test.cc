// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/opening.h"

#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

class OpeningTest : public testing::Test {
 protected:
  Result<Vault> open(bool create = false) {
    return open_vault({"insecure-file:" + key.string(), create}, *root_keys, *seeds, {kTenant});
  }
  Result<Vault> create() { return open(true); }

  TemporaryDirectory directory = TemporaryDirectory::create().value();
  std::filesystem::path key = directory.path() / "key";
  std::unique_ptr<sql::Database> database =
      store::open("sqlite:" + (directory.path() / "keys.db").string(), store::Schema::keys).value();
  std::unique_ptr<store::RootKeyStore> root_keys = store::make_root_key_store(*database);
  std::unique_ptr<store::SeedStore> seeds = store::make_seed_store(*database);
};

TEST_F(OpeningTest, MakesNoKeyUnlessItIsAskedTo) {
  EXPECT_THAT(open(), FailsAt(ErrorCode::failed_precondition, "create-key"));
  EXPECT_FALSE(std::filesystem::exists(key));
  EXPECT_THAT(create(), Succeeds());
  EXPECT_THAT(open(), Succeeds());
}

TEST_F(OpeningTest, OpensWhatItMadeWhoeverAsksToCreateAgain) {
  const auto first = create().value();
  const auto again = create().value();
  const SeedOwner owner{kTenant, kImage, {}};
  EXPECT_THAT(again.unwrap(first.wrap(taken_seed(1), owner), owner), Succeeds());
}

TEST_F(OpeningTest, MakesNoNewKeyInThePlaceOfALostOne) {
  ASSERT_THAT(create(), Succeeds());
  std::filesystem::remove(key);
  EXPECT_THAT(open(), FailsAt(ErrorCode::failed_precondition, "protector"));
  EXPECT_THAT(create(), FailsAt(ErrorCode::failed_precondition, "protector"));
  EXPECT_FALSE(std::filesystem::exists(key));
}

TEST_F(OpeningTest, TakesNoOtherKey) {
  ASSERT_THAT(create(), Succeeds());
  ASSERT_THAT(write_file(key, Bytes(32, 1), 0600), Succeeds());
  EXPECT_THAT(open(), FailsAt(ErrorCode::failed_precondition, "protector"));
  EXPECT_THAT(create(), FailsAt(ErrorCode::failed_precondition, "protector"));
}

TEST_F(OpeningTest, MakesNoNewKeyBesideSeedsOfALostOne) {
  ASSERT_THAT(seeds->create({kTenant, kImage, Bytes(61), Bytes(16), 0, 0}), Succeeds());
  EXPECT_THAT(create(), FailsAt(ErrorCode::failed_precondition, "database"));
  EXPECT_FALSE(std::filesystem::exists(key));
}

TEST_F(OpeningTest, UsesAKeyFileThatIsThereForANewDatabase) {
  ASSERT_THAT(write_file(key, Bytes(32, 1), 0600), Succeeds());
  EXPECT_THAT(create(), Succeeds());
  EXPECT_EQ(read_file(key, 100).value(), Bytes(32, 1));
}

}  // namespace
}  // namespace sealift::securitymodule
