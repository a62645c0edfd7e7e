// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace sealift {
namespace {

TEST(ByteReader, ReadsBackWhatTheWriterWrote) {
  const auto bytes = ByteWriter{}.u8(1).be16(0x0203).be32(0x04050607).be64(0x08090a0b0c0d0e0f).view();
  EXPECT_EQ(to_hex(bytes), "0102030405060708090a0b0c0d0e0f");
  ByteReader reader{bytes};
  EXPECT_EQ(*reader.u8(), 1);
  EXPECT_EQ(*reader.be16(), 0x0203);
  EXPECT_EQ(*reader.be32(), 0x04050607U);
  EXPECT_EQ(*reader.be64(), 0x08090a0b0c0d0e0fU);
  EXPECT_THAT(reader.expect_end(), Succeeds());
}

TEST(ByteReader, ReadsLittleEndian) {
  const auto bytes = ByteWriter{}.le16(0x0203).le32(0x04050607).le64(0x08090a0b0c0d0e0f).view();
  EXPECT_EQ(to_hex(bytes), "0302070605040f0e0d0c0b0a0908");
  ByteReader reader{bytes};
  EXPECT_EQ(*reader.le16(), 0x0203);
  EXPECT_EQ(*reader.le32(), 0x04050607U);
  EXPECT_EQ(*reader.le64(), 0x08090a0b0c0d0e0fU);
}

TEST(ByteReader, LeavesTheCursorWhereItWasWhenAReadFails) {
  const Bytes bytes{0, 5, 1, 2};
  ByteReader reader{bytes};
  EXPECT_THAT(reader.be64(), FailsWith(ErrorCode::truncated));
  EXPECT_THAT(reader.sized16(16), FailsWith(ErrorCode::truncated));
  EXPECT_THAT(reader.sized16(4), FailsWith(ErrorCode::too_large));
  EXPECT_EQ(reader.position(), 0U);
  EXPECT_EQ(*reader.be16(), 5);
}

TEST(ByteReader, RefusesASizeThatWouldWrapAround) {
  const Bytes bytes{0xff, 0xff, 0xff, 0xff};
  EXPECT_THAT(ByteReader{bytes}.take(SIZE_MAX), FailsWith(ErrorCode::truncated));
  EXPECT_THAT(ByteReader{bytes}.sized32(SIZE_MAX), FailsWith(ErrorCode::truncated));
}

TEST(ByteReader, RefusesTrailingBytes) {
  const Bytes bytes{1};
  EXPECT_THAT(ByteReader{bytes}.expect_end(), FailsWith(ErrorCode::malformed));
}

TEST(Hex, IsReadInEitherCaseAndNothingElse) {
  EXPECT_EQ(*from_hex("00fFA9"), (Bytes{0x00, 0xff, 0xa9}));
  for (const auto* bad : {"0", "0g", " 00", "0x00", "00 "}) {
    EXPECT_THAT(from_hex(bad), FailsWith(ErrorCode::malformed)) << bad;
  }
}

}  // namespace
}  // namespace sealift
