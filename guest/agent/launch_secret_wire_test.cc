// SPDX-License-Identifier: Apache-2.0
#include "guest/agent/launch_secret_wire.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace sealift::guest {
namespace {

Bytes entry(const Guid& guid, std::string_view text) {
  return ByteWriter{}.bytes(guid).le32(static_cast<std::uint32_t>(20 + text.size())).text(text).view();
}

Bytes table(std::initializer_list<Bytes> entries) {
  ByteWriter all;
  for (const auto& each : entries) all.bytes(each);
  return ByteWriter{}
      .bytes(kSecretTableGuid)
      .le32(static_cast<std::uint32_t>(20 + all.view().size()))
      .bytes(all.view())
      .view();
}

std::string secret_in(ByteView area, const Guid& guid = kDiskKeyGuid) {
  return std::string{as_text(find_secret(area, guid))};
}

Bytes two_secrets() {
  return table({entry(kDiskKeyGuid, "correct horse"), entry(kCustomerDataGuid, "battery")});
}

TEST(TheLaunchSecretsTable, GivesEachEntryByItsGuid) {
  EXPECT_EQ(secret_in(two_secrets()), "correct horse");
  EXPECT_EQ(secret_in(two_secrets(), kCustomerDataGuid), "battery");
  EXPECT_EQ(secret_in(two_secrets(), kFirmwareTableGuid), "");
}

TEST(TheLaunchSecretsTable, MayBeFollowedByAnything) {
  auto area = two_secrets();
  area.insert(area.end(), 16, 0);
  EXPECT_EQ(secret_in(area), "correct horse");
  area.insert(area.end(), 100, 0xff);
  EXPECT_EQ(secret_in(area), "correct horse");
}

TEST(TheLaunchSecretsTable, MayCountZerosIntoItsLength) {
  auto padded = table({entry(kDiskKeyGuid, "correct horse"), Bytes(16)});
  EXPECT_EQ(secret_in(padded), "correct horse");
  padded.back() = 1;
  EXPECT_EQ(secret_in(padded), "");
}

TEST(TheLaunchSecretsTable, GivesNothingWhereAnEntryComesTwice) {
  EXPECT_EQ(secret_in(table({entry(kDiskKeyGuid, "one"), entry(kDiskKeyGuid, "two")})), "");
}

TEST(TheLaunchSecretsTable, GivesNothingOfEveryTruncation) {
  const auto whole = two_secrets();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(secret_in(ByteView{whole}.first(size)), "") << size;
}

TEST(TheLaunchSecretsTable, GivesNothingWhereALengthIsTooSmallOrPassesTheEnd) {
  constexpr std::size_t kTableLength = 16;
  constexpr std::size_t kEntryLength = 36;
  const auto size = static_cast<int>(two_secrets().size());
  for (const int length : {0, 19, size + 1, 255}) {
    auto area = two_secrets();
    area[kTableLength] = static_cast<std::uint8_t>(length);
    EXPECT_EQ(secret_in(area), "") << length;
    area = two_secrets();
    area[kEntryLength] = static_cast<std::uint8_t>(length);
    EXPECT_EQ(secret_in(area), "") << length;
  }
}

TEST(TheLaunchSecretsTable, NeverReadsBeyondTheAreaWhateverBitsAreFlipped) {
  const auto whole = two_secrets();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto area = whole;
    area[bit / 8] = static_cast<std::uint8_t>(area[bit / 8] ^ (1U << bit % 8));
    EXPECT_LE(secret_in(area).size(), area.size());
  }
}

/// As OVMF's ResetVector lays it out: entries, the table's own length and GUID, 32 bytes of the reset vector.
Bytes firmware(std::initializer_list<Bytes> entries, int table_size_error = 0) {
  ByteWriter all;
  all.bytes(Bytes(100, 0x90));
  std::size_t size = 18;
  for (const auto& each : entries) {
    all.bytes(each);
    size += each.size();
  }
  all.le16(static_cast<std::uint16_t>(static_cast<int>(size) + table_size_error)).bytes(kFirmwareTableGuid);
  return all.bytes(Bytes(32)).view();
}
Bytes firmware_entry(const Guid& guid, ByteView data) {
  return ByteWriter{}.bytes(data).le16(static_cast<std::uint16_t>(data.size() + 18)).bytes(guid).view();
}
Bytes area_entry(std::uint32_t base, std::uint32_t size) {
  return firmware_entry(kSecretAreaGuid, ByteWriter{}.le32(base).le32(size).view());
}
const Bytes kOther = firmware_entry(kDiskKeyGuid, Bytes(5));

TEST(TheFirmwaresTable, NamesTheSecretsArea) {
  for (const auto& image :
       {firmware({area_entry(0x80C000, 0xC00)}), firmware({kOther, area_entry(0x80C000, 0xC00), kOther})}) {
    SecretArea area;
    ASSERT_TRUE(find_secret_area(image, area));
    EXPECT_EQ(area.base, 0x80C000U);
    EXPECT_EQ(area.size, 0xC00U);
  }
}

TEST(TheFirmwaresTable, NamesNoneWhereTheFirmwareCannotDoIt) {
  SecretArea area;
  EXPECT_FALSE(find_secret_area(firmware({kOther}), area));
  EXPECT_FALSE(find_secret_area(firmware({area_entry(0, 0)}), area)) << "as Debian's own OVMF has it";
  EXPECT_FALSE(find_secret_area(firmware({area_entry(0x80C000, 0x4001)}), area));
  EXPECT_FALSE(find_secret_area(firmware({firmware_entry(kSecretAreaGuid, Bytes(9, 1))}), area));
}

TEST(TheFirmwaresTable, IsRefusedWhereItIsCutOrItsLengthsAreWrong) {
  const auto image = firmware({area_entry(0x80C000, 0xC00), kOther});
  SecretArea area;
  const auto cut = ByteView{image}.subspan(100);
  for (std::size_t skipped = 1; skipped < cut.size(); ++skipped)
    EXPECT_FALSE(find_secret_area(cut.subspan(skipped), area)) << skipped;
  for (const int error : {-18, -1, 1, 30000})
    EXPECT_FALSE(find_secret_area(firmware({area_entry(0x80C000, 0xC00)}, error), area)) << error;
}

}  // namespace
}  // namespace sealift::guest
