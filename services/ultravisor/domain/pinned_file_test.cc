// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/domain/pinned_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/matchers.h"

namespace sealift::ultravisor {
namespace {

class PinnedFileTest : public ::testing::Test {
 protected:
  Result<PinnedFile> pin(const Bytes& content, std::uint64_t limit = 1U << 20U) {
    EXPECT_THAT(write_file(path_, content), Succeeds());
    return pin({path_}, limit);
  }
  static Result<PinnedFile> pin(const std::vector<std::filesystem::path>& paths, std::uint64_t limit,
                                int flags = O_RDONLY) {
    std::vector<UniqueFd> files;
    std::vector<int> fds;
    for (const auto& path : paths) fds.push_back(files.emplace_back(open_file(path, flags).value()).get());
    return PinnedFile::pin(fds, limit, "kernel");
  }
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  std::filesystem::path path_ = directory_.path() / "file";
};

TEST_F(PinnedFileTest, KeepsItsBytesWhateverHappensToTheSource) {
  const Bytes content(300'000, 7);
  const auto pinned = pin(content).value();
  const auto before = pinned.sha512();
  ASSERT_THAT(write_file(path_, Bytes(300'000, 8)), Succeeds());
  EXPECT_EQ(pinned.sha512(), before);
  EXPECT_EQ(before, crypto::digest(crypto::HashAlgorithm::sha512, content));
  EXPECT_EQ(pinned.prefix(10), Bytes(10, 7));
  EXPECT_EQ(pinned.prefix(1U << 20U).size(), content.size());
}

TEST_F(PinnedFileTest, CanBeChangedByNobody) {
  const auto pinned = pin(Bytes(100, 7)).value();
  const auto path = "/proc/self/fd/" + std::to_string(pinned.fd());
  EXPECT_EQ(::fcntl(pinned.fd(), F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  EXPECT_EQ(::pwrite(pinned.fd(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EBADF) << "it is open for reading";
  EXPECT_EQ(::ftruncate(pinned.fd(), 50), -1);
  const auto again = open_file(path, O_RDWR);
  if (again) {
    EXPECT_EQ(::pwrite(again->get(), "x", 1, 0), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::fcntl(again->get(), F_ADD_SEALS, 0), -1) << "the seals themselves are sealed";
  }
}

TEST_F(PinnedFileTest, IsRefusedBeyondTheLimit) {
  EXPECT_THAT(pin(Bytes(101), 100), FailsAt(ErrorCode::too_large, "kernel"));
}

TEST_F(PinnedFileTest, IsSeveralFilesOneAfterTheOther) {
  const auto head = directory_.path() / "head";
  ASSERT_THAT(write_file(head, Bytes(512, 1)), Succeeds());
  ASSERT_THAT(write_file(path_, Bytes(1000, 2)), Succeeds());
  Bytes whole(512, 1);
  whole.insert(whole.end(), 1000, 2);
  const auto pinned = pin({head, path_}, 1512).value();
  EXPECT_EQ(pinned.size(), 1512U);
  EXPECT_EQ(pinned.prefix(4096), whole);
  EXPECT_EQ(pinned.sha512(512), crypto::digest(crypto::HashAlgorithm::sha512, Bytes(1000, 2)));
  EXPECT_THAT(pin({head, path_}, 1511), FailsAt(ErrorCode::too_large, "kernel"));
  EXPECT_THAT(pin({head, "/dev/zero"}, 1512), FailsAt(ErrorCode::invalid_argument, "kernel"));
}

TEST_F(PinnedFileTest, IsNeverMadeOfSomethingWithoutAnEnd) {
  EXPECT_THAT(pin({"/dev/zero"}, 100), FailsAt(ErrorCode::invalid_argument, "kernel"));
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(pin({path_}, 100, O_RDWR), FailsAt(ErrorCode::invalid_argument, "kernel"));
}

}  // namespace
}  // namespace sealift::ultravisor
