// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/matchers.h"

namespace sealift {
namespace {

class File : public ::testing::Test {
 protected:
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  std::filesystem::path path_ = directory_.path() / "file";
};

TEST_F(File, IsReadAsItWasWritten) {
  const Bytes content(100'000, 7);
  ASSERT_THAT(write_file(path_, content, 0640), Succeeds());
  EXPECT_EQ(*read_file(path_, 100'000), content);
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

TEST_F(File, IsRefusedWhenLargerThanTheLimit) {
  ASSERT_THAT(write_file(path_, Bytes(101)), Succeeds());
  EXPECT_THAT(read_file(path_, 100), FailsWith(ErrorCode::too_large));
  EXPECT_THAT(read_secret_file(path_, 100), FailsWith(ErrorCode::too_large));
}

TEST_F(File, ThatIsMissingIsSaidToBeMissingByName) {
  const auto result = read_file(path_, 100);
  ASSERT_THAT(result, FailsWith(ErrorCode::not_found));
  EXPECT_NE(result.error().message.find(path_.string()), std::string::npos);
}

TEST_F(File, LeavesNothingBesideItWhenWritingFails) {
  std::filesystem::create_directory(path_);
  std::filesystem::create_directory(path_ / "in the way");
  EXPECT_FALSE(write_file(path_, Bytes(3)).has_value());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{directory_.path()}, {}), 1);
}

TEST_F(File, EndingEarlyIsToldFromAnError) {
  ASSERT_THAT(write_file(path_, Bytes(10)), Succeeds());
  const auto fd = open_file(path_, O_RDONLY).value();
  Bytes out(8);
  EXPECT_THAT(pread_exact(fd.get(), out, 2), Succeeds());
  EXPECT_THAT(pread_exact(fd.get(), out, 3), FailsWith(ErrorCode::truncated));
}

TEST(TemporaryDirectoryTest, IsGoneWithItsContents) {
  std::filesystem::path path;
  {
    const auto directory = TemporaryDirectory::create().value();
    path = directory.path();
    ASSERT_THAT(write_file(path / "x", Bytes(1)), Succeeds());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace sealift
