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
    return PinnedFile::pin(open_file(path_, O_RDONLY)->get(), limit, "kernel");
  }
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  std::filesystem::path path_ = directory_.path() / "file";
};

TEST_F(PinnedFileTest, KeepsItsBytesWhateverHappensToTheSource) {
  const Bytes content(300'000, 7);
  const auto pinned = pin(content).value();
  const auto before = pinned.sha512().value();
  ASSERT_THAT(write_file(path_, Bytes(300'000, 8)), Succeeds());
  EXPECT_EQ(pinned.sha512().value(), before);
  EXPECT_EQ(before, crypto::digest(crypto::HashAlgorithm::sha512, content));
  EXPECT_EQ(pinned.prefix(10).value(), Bytes(10, 7));
  EXPECT_EQ(pinned.prefix(1U << 20U)->size(), content.size());
}

TEST_F(PinnedFileTest, CanBeChangedByNobody) {
  const auto pinned = pin(Bytes(100, 7)).value();
  const auto path = "/proc/self/fd/" + std::to_string(pinned.fd());
  EXPECT_EQ(::pwrite(pinned.fd(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(pinned.fd(), 50), -1);
  const auto again = open_file(path, O_RDWR);
  if (again) {
    EXPECT_EQ(::pwrite(again->get(), "x", 1, 0), -1);
  }
  EXPECT_EQ(::fcntl(pinned.fd(), F_ADD_SEALS, 0), -1) << "the seals themselves are sealed";
}

TEST_F(PinnedFileTest, IsRefusedBeyondTheLimit) {
  EXPECT_THAT(pin(Bytes(101), 100), FailsAt(ErrorCode::too_large, "kernel"));
}

TEST_F(PinnedFileTest, IsNeverMadeOfSomethingWithoutAnEnd) {
  EXPECT_THAT(PinnedFile::pin(open_file("/dev/zero", O_RDONLY)->get(), 100, "kernel"),
              FailsAt(ErrorCode::invalid_argument, "kernel"));
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(PinnedFile::pin(open_file(path_, O_RDWR)->get(), 100, "kernel"),
              FailsAt(ErrorCode::invalid_argument, "kernel"));
}

}  // namespace
}  // namespace sealift::ultravisor
