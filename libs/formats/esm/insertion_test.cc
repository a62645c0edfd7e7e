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

std::vector<Target> fleet(std::size_t count) {
  std::vector<Target> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(target(0));
    all.back().storage_key_name[32] = static_cast<std::uint8_t>(i >> 8U);
    all.back().storage_key_name[33] = static_cast<std::uint8_t>(i);
  }
  return all;
}

TEST(Insertion, TakesAThousandHostsIntoOneHeadThatGrows) {
  const auto head = head_with(operand());
  const auto targets = fleet(1000);
  const auto bytes = head_for_many(head, targets);
  ASSERT_THAT(bytes, Succeeds());
  EXPECT_LE(bytes->size(), std::size_t{1025} * 1024);
  const auto again = reread(*bytes);
  ASSERT_THAT(again, Succeeds());
  const auto inserted = operand_of(*again);
  ASSERT_THAT(inserted, Succeeds());
  EXPECT_EQ(inserted->targets(), targets);
  EXPECT_EQ(inserted->hmac(), operand_of(head)->hmac());
  EXPECT_EQ(inserted->hmac_input(), operand_of(head)->hmac_input());
  EXPECT_THAT(VerifiedOperand::verify(*inserted, seed()), Succeeds());
}

TEST(Insertion, ReplacesAmongManyAndLeavesTheOthers) {
  const auto head = reread(head_for_many(head_with(operand()), fleet(300)).value()).value();
  auto changed = fleet(300)[7];
  changed.policy = Bytes(32, 9);
  const auto targets = operand_of(reread(head_for_many(head, {changed}).value()).value())->targets();
  ASSERT_EQ(targets.size(), 300U);
  EXPECT_EQ(targets[7], changed);
  EXPECT_EQ(targets[8], fleet(300)[8]);
}

TEST(Insertion, OfMoreThanAnOperandCanHoldIsRefused) {
  EXPECT_THAT(head_for_many(head_with(operand()), fleet(1700)), FailsWith(ErrorCode::operand_full));
  auto wrong = fleet(2);
  wrong[1].policy.clear();
  EXPECT_THAT(head_for_many(head_with(operand()), wrong), FailsAt(ErrorCode::invalid_argument, "policy"));
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
