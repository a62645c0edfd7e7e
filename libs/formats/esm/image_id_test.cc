// SPDX-License-Identifier: Apache-2.0
#include "formats/esm/image_id.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace sealift::esm {
namespace {

TEST(ImageId, IsWrittenAndReadAs32HexadecimalDigits) {
  const auto id = ImageId::from_hex("000102030405060708090a0b0c0d0eFF");
  ASSERT_THAT(id, Succeeds());
  EXPECT_EQ(id->hex(), "000102030405060708090a0b0c0d0eff");
  EXPECT_EQ(ImageId::from_bytes(id->view()).value(), *id);
}

TEST(ImageId, Has16Bytes) {
  EXPECT_THAT(ImageId::from_hex("00"), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(ImageId::from_hex(std::string(34, '0')), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(ImageId::from_hex(std::string(32, 'x')), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(ImageId::from_bytes(Bytes(15)), FailsWith(ErrorCode::malformed));
}

TEST(ImageId, IsNeverTheSameTwice) { EXPECT_NE(ImageId::random(), ImageId::random()); }

}  // namespace
}  // namespace sealift::esm
