// SPDX-License-Identifier: Apache-2.0
#include "formats/describe.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "formats/esm/samples_for_test.h"
#include "formats/fdt/tree.h"
#include "formats/ibm_esm/samples_for_test.h"

namespace sealift::formats {
namespace {

TEST(Description, TellsTargetsAndPayloadOfASealiftOperand) {
  auto operand = esm::samples::operand();
  ASSERT_THAT(operand.put_target(esm::samples::target(0xaa)), Succeeds());
  const auto description = describe(operand.serialise());
  ASSERT_THAT(description, Succeeds());
  EXPECT_EQ(name(description->format), "sealift,esm-v1");
  EXPECT_EQ(description->total_size, 4096U);
  EXPECT_EQ(description->image_id, esm::samples::image_id());
  ASSERT_EQ(description->targets.size(), 1U);
  EXPECT_EQ(description->targets[0].storage_key_name, Bytes(34, 0xaa));
  EXPECT_EQ(description->targets[0].policy, Bytes(32, 2));
  EXPECT_TRUE(description->lockboxes.empty());
  ASSERT_EQ(description->payload.size(), 3U);
  EXPECT_EQ(description->payload[0].name, "integrity");
  EXPECT_EQ(description->payload[1].name, "root-disk");
  EXPECT_EQ(description->payload[1].size, 21U);
}

TEST(Description, TellsLockboxesAndPayloadOfAnIbmBlob) {
  const auto origin = ibm_esm::samples::recipient(0, "origin's comment");
  auto opened = ibm_esm::OpenedBlob::make(origin).value();
  ASSERT_THAT(opened.attach("secret", as_bytes("12345")), Succeeds());
  const auto description = describe(opened.serialise().value());
  ASSERT_THAT(description, Succeeds());
  EXPECT_EQ(name(description->format), "ibm,esm");
  EXPECT_FALSE(description->image_id.has_value());
  ASSERT_EQ(description->lockboxes.size(), 1U);
  EXPECT_EQ(description->lockboxes[0].name, "origin-lockbox");
  EXPECT_EQ(description->lockboxes[0].fingerprint, to_bytes(origin.fingerprint()));
  EXPECT_EQ(description->lockboxes[0].comment, "origin's comment");
  ASSERT_EQ(description->payload.size(), 1U);
  EXPECT_EQ(description->payload[0].name, "secret");
  EXPECT_EQ(description->payload[0].size, 5U);
}

TEST(Description, RefusesOtherTreesAndOtherFiles) {
  fdt::Node other;
  other.add_text("compatible", {"qemu,pseries"});
  EXPECT_THAT(describe(fdt::serialise(other).value()), FailsAt(ErrorCode::unsupported, "compatible"));
  EXPECT_THAT(describe(fdt::serialise(fdt::Node{}).value()), FailsAt(ErrorCode::unsupported, "compatible"));
  EXPECT_THAT(describe(as_bytes("text")), FailsWith(ErrorCode::operand_malformed));
  EXPECT_THAT(describe({}), FailsWith(ErrorCode::operand_malformed));
}

}  // namespace
}  // namespace sealift::formats
