// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/adapters/startup.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/matchers.h"

namespace sealift::ultravisor {
namespace {

constexpr auto kSize = tpm::kBootPasswordSize;

/// A pipe in which so many bytes came before its writer went.
UniqueFd pipe_with(std::size_t bytes) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const UniqueFd writer{ends[1]};
  const Bytes content(bytes, 7);
  EXPECT_EQ(::write(writer.get(), content.data(), content.size()), static_cast<ssize_t>(bytes));
  return UniqueFd{ends[0]};
}

TEST(PasswordsTest, ComeOneBehindTheOtherUntilThePipeEnds) {
  const auto pipe = pipe_with(2 * kSize);
  const auto first = read_boot_password(pipe.get());
  ASSERT_THAT(first, Succeeds());
  EXPECT_TRUE(same_bytes(first->expose(), Bytes(kSize, 7)));
  const auto second = read_password(pipe.get());
  ASSERT_THAT(second, Succeeds());
  EXPECT_TRUE(*second);
  const auto third = read_password(pipe.get());
  ASSERT_THAT(third, Succeeds());
  EXPECT_FALSE(*third);
}

TEST(PasswordsTest, ThatAreCutShortAreRefusedAndNeverTakenForNone) {
  for (std::size_t size = 1; size < kSize; ++size) {
    const auto pipe = pipe_with(kSize + size);
    ASSERT_THAT(read_boot_password(pipe.get()), Succeeds());
    EXPECT_THAT(read_password(pipe.get()), FailsAt(ErrorCode::truncated, "boot-password-fd")) << size;
  }
}

TEST(PasswordsTest, OfThisBootMustBeThere) {
  EXPECT_THAT(read_boot_password(pipe_with(0).get()), FailsAt(ErrorCode::truncated, "boot-password-fd"));
  EXPECT_THAT(read_boot_password(pipe_with(kSize - 1).get()), FailsWith(ErrorCode::truncated));
  EXPECT_FALSE(read_boot_password(-1));
}

}  // namespace
}  // namespace sealift::ultravisor
