// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/ovmf.h"

#include "base/file.h"
#include "base/matchers.h"
#include "tee/sev/ovmf_for_test.h"

namespace sealift::sev {
namespace {

TEST(OvmfFooters, SayWhereTheAreasAre) {
  const auto footer = OvmfFooter::parse(amd_sev_firmware_for_test());
  ASSERT_THAT(footer, Succeeds());
  EXPECT_EQ(footer->secret_area, (GuestArea{0x80c000, 0xc00}));
  EXPECT_EQ(footer->hash_table_area, (GuestArea{0x80cc00, 0x400}));
  EXPECT_EQ(footer->reset_address, 0x80b004U);
}

TEST(OvmfFooters, OfFirmwareThatCannotDoItSaySo) {
  const auto footer = OvmfFooter::parse(firmware_for_test(
      {{kSecretGuidForTest, area_for_test(0, 0)}, {kHashTableGuidForTest, area_for_test(0, 0)}}));
  ASSERT_THAT(footer, Succeeds());
  EXPECT_THAT(footer->need_secret_area(),
              FailsAt(ErrorCode::sev_firmware_unsuitable, "firmware.secret_area"));
  EXPECT_THAT(footer->need_hash_table_area(),
              FailsAt(ErrorCode::sev_firmware_unsuitable, "firmware.hash_table_area"));
  EXPECT_THAT(footer->need_reset_address(),
              FailsAt(ErrorCode::sev_firmware_unsuitable, "firmware.reset_address"));
}

TEST(OvmfFooters, WithAHashAreaThatIsTooSmallAreUnsuitable) {
  const auto footer =
      OvmfFooter::parse(firmware_for_test({{kHashTableGuidForTest, area_for_test(0x80cc00, 175)}}));
  EXPECT_THAT(footer->need_hash_table_area(), FailsWith(ErrorCode::sev_firmware_unsuitable));
}

TEST(OvmfFooters, MaySayWhatNobodyKnows) {
  EXPECT_THAT(OvmfFooter::parse(firmware_for_test({{"00000000-0000-0000-0000-00000000000a", Bytes(3)}})),
              Succeeds());
}

TEST(OvmfFooters, AreMissedInOtherFiles) {
  for (const auto size : {0U, 31U, 49U, 50U, 4096U}) {
    EXPECT_THAT(OvmfFooter::parse(Bytes(size)),
                FailsAt(ErrorCode::sev_firmware_unsuitable, "firmware.footer"));
  }
}

TEST(OvmfFooters, AreRefusedWhereTheyAreCutOff) {
  const auto whole = amd_sev_firmware_for_test();
  const ByteView view{whole};
  for (std::size_t size = 0; size < 160; ++size)
    EXPECT_NO_FATAL_FAILURE((void)OvmfFooter::parse(view.last(size)));
  EXPECT_THAT(OvmfFooter::parse(view.last(100)), FailsAt(ErrorCode::truncated, "firmware.footer"));
}

TEST(OvmfFooters, AreRefusedWithBrokenLengths) {
  const auto at = [](std::size_t from_end, std::uint16_t value) {
    auto firmware = amd_sev_firmware_for_test();
    const auto place = firmware.size() - from_end;
    firmware[place] = static_cast<std::uint8_t>(value);
    firmware[place + 1] = static_cast<std::uint8_t>(value >> 8U);
    return firmware;
  };
  constexpr std::size_t kTableLength = 50;
  constexpr std::size_t kLastEntryLength = 68;
  for (const auto length : {std::uint16_t{0}, std::uint16_t{17}, std::uint16_t{19}, std::uint16_t{35}}) {
    EXPECT_THAT(OvmfFooter::parse(at(kTableLength, length)), FailsAt(ErrorCode::malformed, "firmware.footer"))
        << length;
  }
  EXPECT_THAT(OvmfFooter::parse(at(kTableLength, 0xffff)), FailsAt(ErrorCode::truncated, "firmware.footer"));
  for (const auto length : {std::uint16_t{0}, std::uint16_t{17}, std::uint16_t{0xffff}}) {
    EXPECT_THAT(OvmfFooter::parse(at(kLastEntryLength, length)),
                FailsAt(ErrorCode::malformed, "firmware.footer"))
        << length;
  }
}

TEST(OvmfFooters, AreRefusedWithAnAreaTwice) {
  const FooterEntryForTest entry{kSecretGuidForTest, area_for_test(0x1000, 0x1000)};
  EXPECT_THAT(OvmfFooter::parse(firmware_for_test({entry, entry})),
              FailsAt(ErrorCode::malformed, "firmware.footer"));
}

TEST(OvmfFooters, OfDebianSayThatTheyTakeNoSecret) {
  constexpr const char* kDebians = "/usr/share/OVMF/OVMF_CODE.fd";
  const auto firmware = read_file(kDebians, kFirmwareLimit);
  if (!firmware) GTEST_SKIP() << "the package ovmf is not installed";
  const auto footer = OvmfFooter::parse(*firmware);
  ASSERT_THAT(footer, Succeeds());
  EXPECT_THAT(footer->need_secret_area(), FailsWith(ErrorCode::sev_firmware_unsuitable));
  EXPECT_TRUE(footer->reset_address.has_value());
}

}  // namespace
}  // namespace sealift::sev
