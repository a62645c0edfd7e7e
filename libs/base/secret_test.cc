// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <gtest/gtest.h>

#include <sstream>
#include <type_traits>

namespace sealift {
namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };
template <typename T>
concept ExposesATemporary = requires(T value) { std::move(value).expose(); };

static_assert(!std::is_copy_constructible_v<Secret<32>> && !std::is_copy_assignable_v<Secret<32>>);
static_assert(!std::is_copy_constructible_v<SecretBytes> && !std::is_copy_assignable_v<SecretBytes>);
static_assert(!Printable<Secret<32>> && !Printable<SecretBytes>);
static_assert(!ExposesATemporary<Secret<32>> && !ExposesATemporary<SecretBytes>);

TEST(ConstantTimeEqualTest, FindsADifferenceInEveryBitOfEverySize) {
  for (std::size_t size = 0; size <= 35; ++size) {
    const Bytes bytes(size, 0xa5);
    EXPECT_TRUE(constant_time_equal(bytes, Bytes(size, 0xa5))) << size;
    EXPECT_FALSE(constant_time_equal(bytes, Bytes(size + 1, 0xa5))) << size;
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      auto other = bytes;
      other[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      EXPECT_FALSE(constant_time_equal(bytes, other)) << size << ' ' << bit;
    }
  }
}

TEST(SecretTest, WipesWhatItWasMadeFrom) {
  std::array<std::uint8_t, 4> source{1, 2, 3, 4};
  const Secret<4> secret{std::span<std::uint8_t, 4>{source}};
  EXPECT_EQ(source, (std::array<std::uint8_t, 4>{}));
  EXPECT_TRUE(secret.equals(Bytes{1, 2, 3, 4}));
  Bytes heap{1, 2, 3};
  const SecretBytes bytes{std::span<std::uint8_t>{heap}};
  EXPECT_EQ(heap, Bytes(3));
  EXPECT_TRUE(bytes.equals(Bytes{1, 2, 3}));
}

TEST(SecretTest, IsWipedWhereItLayWhenItEnds) {
  alignas(Secret<4>) std::array<std::uint8_t, sizeof(Secret<4>)> memory{};
  std::array<std::uint8_t, 4> source{1, 2, 3, 4};
  auto* const secret = new (memory.data()) Secret<4>{std::span<std::uint8_t, 4>{source}};
  secret->~Secret();
  EXPECT_EQ(memory, decltype(memory){});
}

TEST(SecretTest, LeavesNothingBehindWhenMoved) {
  std::array<std::uint8_t, 4> source{1, 2, 3, 4};
  Secret<4> first{std::span<std::uint8_t, 4>{source}};
  const Secret<4> second{std::move(first)};
  EXPECT_TRUE(first.equals(Bytes(4)));  // NOLINT(bugprone-use-after-move): that is the question
  EXPECT_TRUE(second.equals(Bytes{1, 2, 3, 4}));
}

TEST(SecretTest, DiffersWhereOneBitOrTheLengthDiffers) {
  const auto secret = SecretBytes::copy_of(Bytes{1, 2, 3});
  EXPECT_FALSE(secret.equals(Bytes{1, 2}));
  EXPECT_FALSE(secret.equals(Bytes{1, 2, 3, 0}));
  EXPECT_FALSE(secret.equals(Bytes{1, 2, 0x83}));
}

TEST(SecretTest, ShrinksToItsFirstBytes) {
  auto secret = SecretBytes::copy_of(Bytes{1, 2, 3});
  secret.shrink(2);
  EXPECT_TRUE(secret.equals(Bytes{1, 2}));
  secret.shrink(5);
  EXPECT_EQ(secret.size(), 2U);
}

}  // namespace
}  // namespace sealift
