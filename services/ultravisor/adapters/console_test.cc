// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/adapters/console.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "base/matchers.h"

namespace sealift::ultravisor {
namespace {

class ConsoleTest : public ::testing::Test {
 protected:
  UniqueFd file() const { return open_file(path_, O_WRONLY | O_CREAT | O_APPEND).value(); }
  /// What the file has after a guest printed `text`.
  std::string kept(std::string_view text, std::uint64_t limit) const {
    auto console = Console::open(file().get(), limit).value();
    UniqueFd guest{::fcntl(console.guests_end(), F_DUPFD_CLOEXEC, 0)};
    console.keep();
    EXPECT_THAT(write_all(guest.get(), as_bytes(text)), Succeeds());
    guest.reset();
    console.finish();
    return std::string{as_text(read_file(path_, 1U << 20U).value())};
  }
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  std::filesystem::path path_ = directory_.path() / "console";
};

TEST_F(ConsoleTest, KeepsWhatTheGuestPrints) { EXPECT_EQ(kept("hello\n", 100), "hello\n"); }

TEST_F(ConsoleTest, SaysWhereItStopsKeeping) {
  EXPECT_EQ(kept("12345678", 8), "12345678");
  EXPECT_EQ(kept("abcdefghij", 4), "12345678abcd\n[only the first 4 bytes are kept]\n");
}

TEST_F(ConsoleTest, NeverMakesTheGuestWait) {
  const std::string much(1U << 20U, 'x');
  EXPECT_LT(kept(much, 10).size(), 100U);
}

TEST_F(ConsoleTest, GivesTheGuestAnythingElseThanAFile) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read_end{ends[0]};
  UniqueFd write_end{ends[1]};
  auto console = Console::open(write_end.get(), 1).value();
  write_end.reset();
  EXPECT_THAT(write_all(console.guests_end(), as_bytes("hello")), Succeeds());
  console.keep();
  console.finish();
  std::array<char, 16> buffer{};
  EXPECT_EQ(::read(read_end.get(), buffer.data(), buffer.size()), 5);
  EXPECT_EQ(::read(read_end.get(), buffer.data(), buffer.size()), 0) << "nobody else holds it";
}

}  // namespace
}  // namespace sealift::ultravisor
