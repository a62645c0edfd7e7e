// SPDX-License-Identifier: Apache-2.0
#include "base/new_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "base/matchers.h"

namespace sealift {
namespace {

namespace fs = std::filesystem;

class NewDirectoryTest : public testing::Test {
 protected:
  std::ptrdiff_t entries() const { return std::distance(fs::directory_iterator{directory_.path()}, {}); }
  static fs::perms mode_of(const fs::path& path) { return fs::status(path).permissions(); }
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  fs::path target_ = directory_.path() / "target";
};

TEST_F(NewDirectoryTest, HasItsNameOnlyOncePublished) {
  auto made = NewDirectory::create(target_ / "").value();
  EXPECT_EQ(mode_of(made.path()), fs::perms::owner_all);
  ASSERT_THAT(write_file(made.path() / "file", as_bytes("content")), Succeeds());
  EXPECT_FALSE(fs::exists(target_));
  ASSERT_THAT(made.publish(), Succeeds());
  EXPECT_EQ(read_file(target_ / "file", 100).value(), to_bytes(as_bytes("content")));
  EXPECT_EQ(mode_of(target_), fs::perms::owner_all);
  EXPECT_EQ(entries(), 1);
}

TEST_F(NewDirectoryTest, IsOpenedUpWhenItIsPublishedForAll) {
  ASSERT_THAT(NewDirectory::create(target_)->publish_synced(0755), Succeeds());
  EXPECT_EQ(mode_of(target_), static_cast<fs::perms>(0755));
}

TEST_F(NewDirectoryTest, IsGoneWhereNobodyPublishesIt) {
  {
    const auto made = NewDirectory::create(target_).value();
    ASSERT_THAT(write_file(made.path() / "file", Bytes(1)), Succeeds());
  }
  EXPECT_EQ(entries(), 0);
}

TEST_F(NewDirectoryTest, IsNeverPutOverWhatIsThere) {
  auto first = NewDirectory::create(target_).value();
  auto second = NewDirectory::create(target_).value();
  ASSERT_THAT(first.publish(), Succeeds());
  EXPECT_THAT(second.publish(), FailsWith(ErrorCode::already_exists));
  EXPECT_THAT(NewDirectory::create(target_), FailsWith(ErrorCode::already_exists));
  EXPECT_THAT(NewDirectory::create(target_ / "missing" / "deep"), FailsWith(ErrorCode::not_found));
}

TEST_F(NewDirectoryTest, MadeOnceByManyIsThatOfOneOfThem) {
  const auto place = target_ / "deep" / "place";
  std::atomic<int> filled = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        const auto made = make_directory_once(place, [&](const fs::path& path) -> Status {
          const auto text = std::to_string(++filled);
          SEALIFT_CHECK(write_file(path / "one", as_bytes(text)));
          return write_file(path / "two", as_bytes(text));
        });
        EXPECT_THAT(made, Succeeds());
        EXPECT_TRUE(fs::exists(place / "two"));
      });
    }
  }
  EXPECT_EQ(read_file(place / "one", 10).value(), read_file(place / "two", 10).value());
  EXPECT_EQ(std::distance(fs::directory_iterator{place.parent_path()}, {}), 1);
}

TEST_F(NewDirectoryTest, ThatCannotBeFilledIsNotMade) {
  const auto status =
      make_directory_once(target_, [](const fs::path&) { return fail(ErrorCode::no_space, "full"); });
  EXPECT_THAT(status, FailsWith(ErrorCode::no_space));
  EXPECT_EQ(entries(), 0);
}

TEST_F(NewDirectoryTest, NewSecretFileIsForItsOwnerAloneAndNeverReplacesOne) {
  ASSERT_THAT(write_new_secret_file(target_, as_bytes("secret")), Succeeds());
  EXPECT_EQ(mode_of(target_), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_THAT(write_new_secret_file(target_, as_bytes("other")), FailsWith(ErrorCode::already_exists));
  EXPECT_EQ(as_text(read_file(target_, 100).value()), "secret");
}

}  // namespace
}  // namespace sealift
