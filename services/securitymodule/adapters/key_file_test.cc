// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "base/file.h"
#include "base/matchers.h"

namespace sealift::securitymodule {
namespace {

class KeyFileTest : public testing::Test {
 protected:
  TemporaryDirectory directory = TemporaryDirectory::create().value();
  std::filesystem::path path = directory.path() / "key";
};

TEST_F(KeyFileTest, IsMadeForItsOwnerAlone) {
  ASSERT_THAT(KeyFileProtector::create(path), Succeeds());
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(status.st_size, 32);
  EXPECT_THAT(KeyFileProtector::open(path), Succeeds());
}

TEST_F(KeyFileTest, IsNeverOverwritten) {
  ASSERT_THAT(KeyFileProtector::create(path), Succeeds());
  const auto before = KeyFileProtector::open(path).value().key_id();
  EXPECT_THAT(KeyFileProtector::create(path), FailsWith(ErrorCode::already_exists));
  EXPECT_EQ(KeyFileProtector::open(path).value().key_id(), before);
}

TEST_F(KeyFileTest, IsMadeOnceAndLeavesNothingElseBehindWhoeverMakesIt) {
  std::vector<std::jthread> threads;
  std::atomic<int> made = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] { made += KeyFileProtector::create(path).has_value() ? 1 : 0; });
  threads.clear();
  EXPECT_EQ(made, 1);
  EXPECT_THAT(KeyFileProtector::open(path), Succeeds());
  const std::filesystem::directory_iterator files{directory.path()};
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(KeyFileTest, IsRefusedWhereOthersMayReadIt) {
  ASSERT_THAT(KeyFileProtector::create(path), Succeeds());
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0666}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_THAT(KeyFileProtector::open(path), FailsAt(ErrorCode::permission_denied, "protector"));
  }
}

TEST_F(KeyFileTest, IsRefusedUnlessItIsAKeyLong) {
  for (const std::size_t size : {0, 31, 33}) {
    ASSERT_THAT(write_file(path, Bytes(size), 0600), Succeeds());
    EXPECT_THAT(KeyFileProtector::open(path), FailsWith(ErrorCode::malformed));
  }
}

TEST_F(KeyFileTest, IsRefusedBehindASymbolicLink) {
  ASSERT_THAT(KeyFileProtector::create(path), Succeeds());
  std::filesystem::create_symlink(path, directory.path() / "link");
  EXPECT_FALSE(KeyFileProtector::open(directory.path() / "link"));
}

TEST_F(KeyFileTest, IsMissedByName) {
  const auto missing = KeyFileProtector::open(path);
  ASSERT_THAT(missing, FailsWith(ErrorCode::not_found));
  EXPECT_NE(missing.error().message.find(path.string()), std::string::npos);
}

TEST_F(KeyFileTest, WrapsForItsPurposeAlone) {
  ASSERT_THAT(KeyFileProtector::create(path), Succeeds());
  const auto protector = KeyFileProtector::open(path).value();
  const auto wrapped = protector.wrap(as_bytes("secret"), as_bytes("purpose")).value();
  const auto opened = protector.unwrap(wrapped, as_bytes("purpose"));
  ASSERT_THAT(opened, Succeeds());
  EXPECT_EQ(as_text(opened->expose()), "secret");
  EXPECT_THAT(protector.unwrap(wrapped, as_bytes("another")), FailsWith(ErrorCode::authentication_failed));
}

}  // namespace
}  // namespace sealift::securitymodule
