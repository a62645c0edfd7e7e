// SPDX-License-Identifier: Apache-2.0
#include "base/matchers.h"
#include "crypto/random.h"
#include "tee/sev/secret_packet.h"
#include "tee/sev/secret_table.h"

namespace sealift::sev {
namespace {

constexpr const char* kOtherGuid = "f0f0f0f0-1234-5678-9abc-def012345678";

SecretEntry entry(std::string_view guid, std::string_view value) {
  return {Guid::parse(guid).value(), SecretBytes::copy_of(as_bytes(value))};
}
std::vector<SecretEntry> entries() {
  std::vector<SecretEntry> all;
  all.push_back(entry(kDiskKeyGuid, "passphrase"));
  all.push_back(entry(kOtherGuid, "more"));
  return all;
}
TransportKeys keys(std::uint8_t seed = 1) {
  Bytes tek(16, seed);
  Bytes tik(16, static_cast<std::uint8_t>(seed + 1));
  return {TransportKey{std::span<std::uint8_t>{tek}.first<16>()},
          TransportKey{std::span<std::uint8_t>{tik}.first<16>()}};
}
Measurement measurement(std::uint8_t seed = 5) {
  Measurement out{};
  out.hmac.fill(seed);
  return out;
}

TEST(Guids, LieInMemoryWithTheirFirstPartsReversed) {
  const auto guid = Guid::parse("9438D606-4f22-4cc9-b479-a793d411fd21").value();
  EXPECT_EQ(to_hex(guid.in_memory()), "06d63894224fc94cb479a793d411fd21");
  EXPECT_EQ(guid.text(), "9438d606-4f22-4cc9-b479-a793d411fd21");
}

TEST(Guids, AreRefusedInAnyOtherShape) {
  for (const auto* text : {"", "9438d606", "{9438d606-4f22-4cc9-b479-a793d411fd21}",
                           "9438d606-4f22-4cc9-b479-a793d411fd2", "9438d606-4f22-4cc9-b479a-793d411fd21",
                           "9438d606-4f22-4cc9-b479-a793d411fd2g", "9438d606-4f22-4cc9-b479-a793d411fd2-"}) {
    EXPECT_THAT(Guid::parse(text), FailsWith(ErrorCode::malformed)) << text;
  }
}

TEST(SecretTables, AreAsOvmfAndLinuxReadThem) {
  const auto table = write_secret_table(entries()).value();
  EXPECT_EQ(to_hex(table.expose()),
            "42f5741edd71664d963eef4287ff173b"
            "4a000000"
            "e5696873f084734992ec06879ce3da0b"
            "1e000000"
            "70617373706872617365"
            "f0f0f0f0341278569abcdef012345678"
            "18000000"
            "6d6f7265"
            "000000000000");
}

TEST(SecretTables, GiveBackWhatWasPutIn) {
  const auto table = write_secret_table(entries()).value();
  const auto read = read_secret_table(table.expose());
  ASSERT_THAT(read, Succeeds());
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].guid.text(), kDiskKeyGuid);
  EXPECT_TRUE((*read)[0].value.equals(as_bytes("passphrase")));
  EXPECT_TRUE((*read)[1].value.equals(as_bytes("more")));
}

TEST(SecretTables, MayEndInZeros) {
  const auto table = write_secret_table(entries()).value();
  auto longer = to_bytes(table.expose());
  longer.resize(longer.size() + 16);  // as libvirt pads a table that needs no padding
  EXPECT_THAT(read_secret_table(longer), Succeeds());
  longer[16] = static_cast<std::uint8_t>(longer.size());  // the length with its padding
  EXPECT_EQ(read_secret_table(longer)->size(), 2U);
}

TEST(SecretTables, AreRefusedWithAnythingElseBehind) {
  const auto whole = write_secret_table(entries()).value();
  auto table = to_bytes(whole.expose());
  table.back() = 1;
  EXPECT_THAT(read_secret_table(table), FailsAt(ErrorCode::malformed, "secret_table"));
}

TEST(SecretTables, AreRefusedWhereverTheyEnd) {
  const auto table = write_secret_table(entries()).value();
  for (std::size_t size = 0; size < 0x4a; ++size) {
    EXPECT_THAT(read_secret_table(table.expose().first(size)), FailsAt(ErrorCode::truncated, "secret_table"));
  }
}

TEST(SecretTables, AreRefusedWithBrokenLengths) {
  const auto table = write_secret_table(entries()).value();
  for (const std::size_t place : {16U, 36U}) {
    for (const auto length : {std::uint8_t{0}, std::uint8_t{19}, std::uint8_t{0xff}}) {
      auto broken = to_bytes(table.expose());
      broken[place] = length;
      EXPECT_FALSE(read_secret_table(broken)) << place << ' ' << int{length};
    }
  }
}

TEST(SecretTables, TakeNoEntryThatIsEmptyOrTwice) {
  EXPECT_THAT(write_secret_table({}), FailsAt(ErrorCode::invalid_argument, "entry"));
  std::vector<SecretEntry> twice;
  twice.push_back(entry(kDiskKeyGuid, "a"));
  twice.push_back(entry(kDiskKeyGuid, "b"));
  EXPECT_THAT(write_secret_table(twice), FailsAt(ErrorCode::invalid_argument, "entry"));
  std::vector<SecretEntry> empty;
  empty.push_back(entry(kDiskKeyGuid, ""));
  EXPECT_THAT(write_secret_table(empty), FailsAt(ErrorCode::invalid_argument, "entry"));
}

TEST(SecretTables, FillAPacketAndNoMore) {
  const auto of_size = [](std::size_t size) {
    std::vector<SecretEntry> all;
    all.push_back(entry(kDiskKeyGuid, std::string(size, 'x')));
    return write_secret_table(all);
  };
  EXPECT_EQ(of_size(kSecretPacketLimit - 40)->size(), kSecretPacketLimit);
  EXPECT_THAT(of_size(kSecretPacketLimit - 39), FailsAt(ErrorCode::too_large, "entry"));
}

TEST(SecretPackets, OpenUnderTheirKeysAndMeasurement) {
  const auto table = write_secret_table(entries()).value();
  const auto packet = seal_packet(keys(), measurement(), table.expose());
  const auto opened = open_packet(keys(), measurement(), packet.header, packet.payload);
  ASSERT_THAT(opened, Succeeds());
  EXPECT_TRUE(opened->equals(table.expose()));
  EXPECT_THAT(open_packet(keys(), measurement(6), packet.header, packet.payload),
              FailsAt(ErrorCode::authentication_failed, "packet.mac"));
  EXPECT_THAT(open_packet(keys(3), measurement(), packet.header, packet.payload),
              FailsAt(ErrorCode::authentication_failed, "packet.mac"));
}

TEST(SecretPackets, AreNeverTwiceTheSame) {
  EXPECT_NE(seal_packet(keys(), measurement(), Bytes(16)).header,
            seal_packet(keys(), measurement(), Bytes(16)).header);
}

TEST(SecretPackets, ForOldFirmwareLeaveTheMeasurementOut) {
  constexpr ApiVersion kOld{0, 16};
  const auto packet = seal_packet(keys(), measurement(), Bytes(16), kOld);
  EXPECT_THAT(open_packet(keys(), measurement(9), packet.header, packet.payload, kOld), Succeeds());
  EXPECT_THAT(open_packet(keys(), measurement(), packet.header, packet.payload),
              FailsAt(ErrorCode::authentication_failed, "packet.mac"));
}

TEST(SecretPackets, AreRefusedWithAnyByteAltered) {
  auto packet = seal_packet(keys(), measurement(), Bytes(32, 7));
  const auto refused = FailsAt(ErrorCode::authentication_failed, "packet.mac");
  for (auto& byte : packet.header) {
    byte ^= 4;
    EXPECT_THAT(open_packet(keys(), measurement(), packet.header, packet.payload), refused);
    byte ^= 4;
  }
  for (auto& byte : packet.payload) {
    byte ^= 4;
    EXPECT_THAT(open_packet(keys(), measurement(), packet.header, packet.payload), refused);
    byte ^= 4;
  }
}

TEST(SecretPackets, AreRefusedInOtherSizes) {
  const auto packet = seal_packet(keys(), measurement(), Bytes(32, 7));
  EXPECT_THAT(open_packet(keys(), measurement(), ByteView{packet.header}.first(51), packet.payload),
              FailsAt(ErrorCode::truncated, "packet.header"));
  EXPECT_THAT(open_packet(keys(), measurement(), Bytes(53), packet.payload),
              FailsAt(ErrorCode::malformed, "packet.header"));
  for (const std::size_t size : {0UL, 15UL, 17UL, kSecretPacketLimit + 16}) {
    EXPECT_THAT(open_packet(keys(), measurement(), packet.header, Bytes(size)),
                FailsAt(ErrorCode::malformed, "packet.payload"));
  }
}

}  // namespace
}  // namespace sealift::sev
