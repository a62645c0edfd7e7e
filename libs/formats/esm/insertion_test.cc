// SPDX-License-Identifier: Apache-2.0
#include "formats/esm/insertion.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "formats/esm/samples_for_test.h"

namespace sealift::esm {
namespace {

using namespace samples;

cpio::Head head_with(const Operand& content) {
  const auto bytes = cpio::make_head(content.serialise()).value();
  return cpio::read_head([&](std::size_t count) -> Result<Bytes> {
           return to_bytes(ByteView{bytes}.first(std::min(count, bytes.size())));
         })
      .value();
}

Result<cpio::Head> reread(const Bytes& bytes) {
  return cpio::read_head([&](std::size_t) -> Result<Bytes> { return bytes; });
}

TEST(Insertion, GivesAHeadOfTheSameSizeWithTheTargets) {
  const auto head = head_with(operand());
  const std::vector targets{target(1), target(2)};
  const auto bytes = insert_targets(head, targets);
  ASSERT_THAT(bytes, Succeeds());
  EXPECT_EQ(bytes->size(), head.bytes.size());
  const auto again = reread(*bytes);
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(again->place, head.place);
  const auto inserted = operand_of(*again);
  ASSERT_THAT(inserted, Succeeds());
  EXPECT_EQ(inserted->targets(), targets);
  EXPECT_THAT(VerifiedOperand::verify(*inserted, seed()), Succeeds());
}

TEST(Insertion, ChangesNothingOutsideTheOperand) {
  const auto head = head_with(operand());
  const auto bytes = insert_targets(head, std::vector{target(1)}).value();
  const auto end = head.place.offset + head.place.size;
  EXPECT_TRUE(
      same_bytes(ByteView{bytes}.first(head.place.offset), ByteView{head.bytes}.first(head.place.offset)));
  EXPECT_TRUE(same_bytes(ByteView{bytes}.subspan(end), ByteView{head.bytes}.subspan(end)));
}

TEST(Insertion, WritesLessThan64KiBWithTheDefaultReserve) {
  const auto made = make(seed(), image_id(), integrity(), customer_data()).value();
  EXPECT_LE(head_with(made).bytes.size(), 64U * 1024);
}

TEST(Insertion, SaysThatTheOperandIsFull) {
  std::vector<Target> many;
  for (std::uint8_t i = 0; i < 10; ++i) many.push_back(target(i));
  EXPECT_THAT(insert_targets(head_with(operand()), many), FailsWith(ErrorCode::operand_full));
}

TEST(Insertion, RefusesTheOperandOfAnotherImageOrPayload) {
  const auto head = head_with(operand());
  EXPECT_THAT(replace_operand(head, operand()), FailsWith(ErrorCode::invalid_argument)) << "made anew";
  const auto other = make(seed(), image_id(1), integrity(), customer_data(), 4096).value();
  EXPECT_THAT(replace_operand(head, other), FailsWith(ErrorCode::invalid_argument));
  EXPECT_THAT(replace_operand(head, operand(8192)), FailsWith(ErrorCode::invalid_argument));
  EXPECT_EQ(replace_operand(head, operand_of(head).value()).value(), head.bytes);
}

}  // namespace
}  // namespace sealift::esm
