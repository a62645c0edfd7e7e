// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha512_state.h"

#include "base/matchers.h"

namespace sealift::crypto {
namespace {

Bytes sample(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
  return bytes;
}

TEST(Sha512State, GivesTheSameHashWhereverItIsTakenUpAgain) {
  for (const std::size_t size : {0U, 1U, 111U, 112U, 127U, 128U, 129U, 1000U, 1024U}) {
    SCOPED_TRACE(size);
    const auto bytes = sample(size);
    const auto expected = digest(HashAlgorithm::sha512, bytes);
    for (std::size_t cut = 0; cut <= size; cut += Sha512State::kBlockSize) {
      Sha512State first;
      first.update(ByteView{bytes}.first(cut));
      const auto again = Sha512State::parse(first.to_bytes());
      ASSERT_THAT(again, Succeeds());
      EXPECT_EQ(again->finish(ByteView{bytes}.subspan(cut)), expected) << cut;
    }
  }
}

TEST(Sha512State, CountsBeyondWhat32BitsHold) {
  // The chain of no bytes at a size of 2^61 bytes: only the length in the padding differs, by one bit in the
  // upper of its two words.
  auto bytes = Sha512State{}.to_bytes();
  bytes[64] = 0x20;
  const auto far = Sha512State::parse(bytes);
  ASSERT_THAT(far, Succeeds());
  EXPECT_NE(far->finish({}), Sha512State{}.finish({}));
  EXPECT_EQ(far->to_bytes(), bytes);
}

TEST(Sha512State, RefusesWhatIsNotAState) {
  const auto whole = Sha512State{}.to_bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(Sha512State::parse(ByteView{whole}.first(size)), FailsWith(ErrorCode::truncated)) << size;
  }
  auto longer = whole;
  longer.push_back(0);
  EXPECT_THAT(Sha512State::parse(longer), FailsWith(ErrorCode::malformed));
  auto within_a_block = whole;
  within_a_block.back() = 1;
  EXPECT_THAT(Sha512State::parse(within_a_block), FailsAt(ErrorCode::malformed, "size"));
}

}  // namespace
}  // namespace sealift::crypto
