// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/launch_digest.h"

#include <gtest/gtest.h>

namespace sealift::sev {
namespace {

using crypto::HashAlgorithm;

const Bytes kFirmware(100, 'f');
const Bytes kFirst(kVmsaSize, '0');
const Bytes kOther(kVmsaSize, '1');

crypto::Digest sha256(std::initializer_list<ByteView> parts) {
  return crypto::digest(HashAlgorithm::sha256, parts);
}

// As QEMU's sev_add_kernel_loader_hashes lays out PaddedSevHashTable.
TEST(HashTable, IsQemusByteForByte) {
  const auto hashes = hash_kernel(as_bytes("kernel"), as_bytes("initrd"), "quiet");
  const auto expected =
      "06d63894224fc94cb479a793d411fd21a800"
      "d82dd09720bd944caa78e7714d36ab2a3200" +
      to_hex(sha256({as_bytes(std::string_view{"quiet\0", 6})}).view()) +
      "31f7ba442f3ad74b9af141e29169781d3200" + to_hex(sha256({as_bytes("initrd")}).view()) +
      "3794e74dd2ab7f42b835d5b172d2045b3200" + to_hex(sha256({as_bytes("kernel")}).view()) +
      "0000000000000000";
  EXPECT_EQ(to_hex(hash_table(hashes)), expected);
}

TEST(HashTable, HasTheHashesOfNothingWhereThereIsNothing) {
  const auto hashes = hash_kernel(as_bytes("kernel"), {}, "");
  EXPECT_EQ(to_hex(hashes.initrd.view()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(hashes.cmdline.view()),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

TEST(LaunchDigests, CoverFirmwareTableAndPagesInThisOrder) {
  const auto hashes = hash_kernel(as_bytes("kernel"), as_bytes("initrd"), "quiet");
  const auto table = hash_table(hashes);
  EXPECT_EQ(launch_digest(kFirmware, std::nullopt), sha256({kFirmware}));
  EXPECT_EQ(launch_digest(kFirmware, hashes), sha256({kFirmware, table}));
  EXPECT_EQ(launch_digest(kFirmware, hashes, {kFirst, kOther, 3}),
            sha256({kFirmware, table, kFirst, kOther, kOther}));
  EXPECT_EQ(launch_digest(kFirmware, std::nullopt, {kFirst, {}, 1}), sha256({kFirmware, kFirst}));
}

TEST(LaunchDigests, CoverNoPagesWithoutEs) {
  EXPECT_EQ(launch_digest(kFirmware, std::nullopt, {{}, {}, 4}), sha256({kFirmware}));
}

}  // namespace
}  // namespace sealift::sev
