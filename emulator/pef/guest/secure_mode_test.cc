// SPDX-License-Identifier: Apache-2.0
/// UV_ESM over whatever a guest, or the host beneath it, left in memory. What every operand's form has in
/// common is in secure_mode_forms_test.cc.
#include "emulator/pef/guest/secure_mode.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "emulator/pef/guest/guest_for_test.h"
#include "formats/cpio/head.h"

namespace sealift::pef {
namespace {

using Guest = GuestForTest;

class SecureMode : public testing::Test {
 protected:
  Guest guest_;
};

TEST_F(SecureMode, ReadsTheWrappersPlaceInEitherByteOrderAndSize) {
  constexpr std::uint32_t kPlace = 0x80'0000;
  guest_.move_operand_to_wrapper(kPlace);
  const auto end = static_cast<std::uint32_t>(kPlace + guest_.operand_bytes().size());
  const auto reversed = [](Bytes bytes) { return Bytes(bytes.rbegin(), bytes.rend()); };
  for (const auto& [start, stop] : {std::pair{cells32(kPlace), cells32(end)},
                                    std::pair{reversed(cells32(kPlace)), reversed(cells32(end))},
                                    std::pair{reversed(cells64(kPlace)), reversed(cells64(end))}}) {
    guest_.set("chosen", "linux,esm-blob-start", start);
    guest_.set("chosen", "linux,esm-blob-end", stop);
    EXPECT_THAT(guest_.ask(), Succeeds()) << to_hex(start);
  }
}

TEST_F(SecureMode, PrefersTheWrappersOperandAndThenMeasuresAllOfTheInitramfs) {
  const auto with_head = guest_.initrd;
  guest_.move_operand_to_wrapper(0x80'0000);
  guest_.initrd = with_head;
  guest_.set("chosen", "linux,initrd-end", cells64(Guest::kInitrd + with_head.size()));
  EXPECT_THAT(guest_.ask(), FailsAt(ErrorCode::initramfs_differs, "initramfs"));
}

TEST_F(SecureMode, IsRefusedForABlobThatWasAlteredOrIsForAnotherMachine) {
  guest_.use_ibms_format();
  auto blob = ibm_esm::parse(*guest_.blob).value();
  const auto put = [&](const ibm_esm::Blob& changed) {
    const auto head = cpio::make_head(ibm_esm::serialise(changed).value()).value();
    guest_.initrd = head;
    guest_.initrd.insert(guest_.initrd.end(), guest_.rest.begin(), guest_.rest.end());
    guest_.set("chosen", "linux,initrd-end", cells64(Guest::kInitrd + guest_.initrd.size()));
  };
  auto altered = blob;
  altered.digests->ciphertext.front() ^= 1;
  put(altered);
  EXPECT_THAT(guest_.ask(), FailsAt(ErrorCode::authentication_failed, "digests-fdt"));
  altered = blob;
  altered.files.front().ciphertext.front() ^= 1;
  put(altered);
  EXPECT_THAT(guest_.ask(), FailsAt(ErrorCode::authentication_failed, "root-disk-passphrase"));
  altered = blob;
  altered.lockboxes.erase(altered.lockboxes.begin());
  put(altered);
  EXPECT_THAT(guest_.ask(), FailsAt(ErrorCode::no_target_for_host, "lockboxes"));
  altered = blob;
  altered.lockboxes.front().encrypted_key.at(3) ^= 1;
  put(altered);
  EXPECT_FALSE(guest_.ask());
}

TEST_F(SecureMode, IsRefusedWithNeitherAnInitramfsNorAPlaceForAnOperand) {
  guest_.remove("linux,initrd-start");
  guest_.remove("linux,initrd-end");
  EXPECT_THAT(guest_.ask(), FailsWith(ErrorCode::operand_missing));
}

TEST_F(SecureMode, IsRefusedWithTwoOperandsInTheInitramfs) {
  const auto head = cpio::find_operand(guest_.initrd)->rest_offset;
  const ByteView whole{guest_.initrd};
  // Two members in one archive: the first archive without its trailer, and then all of it.
  const auto trailer = as_text(whole.first(head)).rfind("070701");
  Bytes twice = to_bytes(whole.first(trailer));
  twice.insert(twice.end(), whole.begin(), whole.end());
  guest_.initrd = twice;
  guest_.set("chosen", "linux,initrd-end", cells64(Guest::kInitrd + twice.size()));
  EXPECT_THAT(guest_.ask(), FailsWith(ErrorCode::operand_malformed));
}

TEST_F(SecureMode, IsRefusedForATruncatedOperand) {
  const auto head = cpio::find_operand(guest_.initrd)->rest_offset;
  for (const std::uint64_t size :
       {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{110}, head / 2, head - 1}) {
    guest_.set("chosen", "linux,initrd-end", cells64(Guest::kInitrd + size));
    EXPECT_FALSE(guest_.ask()) << size;
  }
}

TEST_F(SecureMode, IsRefusedForAWrappersOperandThatIsCutOrTooLarge) {
  constexpr std::uint64_t kPlace = 0x80'0000;
  guest_.move_operand_to_wrapper(kPlace);
  const auto size = guest_.operand_bytes().size();
  guest_.set("chosen", "linux,esm-blob-end", cells64(kPlace + size - 1));
  EXPECT_THAT(guest_.ask(), FailsAt(ErrorCode::truncated, "operand"));
  guest_.set("chosen", "linux,esm-blob-end", cells64(kPlace + size));
  ASSERT_TRUE(guest_.memory.write(kPlace + 4, cells32(0x0100'0001), "test"));
  EXPECT_THAT(guest_.ask(), FailsAt(ErrorCode::too_large, "operand"));
  ASSERT_TRUE(guest_.memory.write(kPlace + 4, cells32(7), "test"));
  EXPECT_FALSE(guest_.ask());
}

TEST_F(SecureMode, NeverBelievesAPlaceWhereNoOperandIs) {
  guest_.move_operand_to_wrapper(0x80'0000);
  const auto start = "linux,esm-blob-start";
  for (const auto& value : {cells64(0x80'0001), cells64(Guest::kSize), cells64(~std::uint64_t{0}), cells32(1),
                            Bytes{}, Bytes(3), Bytes(9)}) {
    guest_.set("chosen", start, value);
    EXPECT_THAT(guest_.ask(), FailsAt(ErrorCode::operand_malformed, "chosen.linux,esm-blob-start"))
        << to_hex(value);
  }
  guest_.remove(start);  // and the end alone is not enough
  EXPECT_THAT(guest_.ask(), FailsWith(ErrorCode::operand_malformed));
}

TEST_F(SecureMode, IsRefusedWhereAnInitramfsLiesOverTheKernel) {
  guest_.set("chosen", "linux,initrd-start", cells64(Guest::kCall.kernel_base + guest_.kernel.size() - 1));
  // The bytes are an initramfs all the same.
  const auto place = Guest::kCall.kernel_base + guest_.kernel.size() - 1;
  guest_.set("chosen", "linux,initrd-end", cells64(place + guest_.initrd.size()));
  ASSERT_TRUE(guest_.memory.write(place, guest_.initrd, "test"));
  EXPECT_THAT(guest_.ask(), FailsAt(ErrorCode::malformed, "initramfs"));
}

TEST_F(SecureMode, IsRefusedForPartsOutsideOfMemory) {
  guest_.set("chosen", "linux,initrd-end", cells64(Guest::kSize + 1));
  EXPECT_THAT(guest_.ask(), FailsAt(ErrorCode::malformed, "chosen.linux,initrd-start"));
  guest_.set("chosen", "linux,initrd-end", cells64(Guest::kInitrd - 1));
  EXPECT_THAT(guest_.ask(), FailsAt(ErrorCode::malformed, "chosen.linux,initrd-end"));
  guest_.set("chosen", "linux,initrd-end", cells64(Guest::kInitrd + guest_.initrd.size()));
  guest_.set("rtas", "linux,rtas-base", cells32(~std::uint32_t{0}));
  EXPECT_THAT(guest_.ask(), FailsAt(ErrorCode::malformed, "rtas"));
}

TEST_F(SecureMode, IsRefusedForACallWithWrongArguments) {
  const auto& call = Guest::kCall;
  for (const auto base : {Guest::kSize, Guest::kSize - 1, ~std::uint64_t{0}}) {
    EXPECT_THAT(guest_.ask({base, call.fdt_address}), FailsAt(ErrorCode::malformed, "kernel")) << base;
    EXPECT_THAT(guest_.ask({call.kernel_base, base}), FailsAt(ErrorCode::malformed, "fdt")) << base;
  }
  EXPECT_THAT(guest_.ask({call.fdt_address, call.fdt_address}), FailsAt(ErrorCode::malformed, "kernel"));
  EXPECT_THAT(guest_.ask({call.kernel_base + 1, call.fdt_address}),
              FailsAt(ErrorCode::kernel_differs, "kernel"));
}

TEST_F(SecureMode, IsRefusedForAnImageThatIsNotForPefHosts) {
  std::vector<esm::CustomerData> data;
  data.push_back({"root-disk-passphrase", SecretBytes::copy_of(as_bytes("x"))});
  auto measured_only = guest_.integrity();
  measured_only.rtas.reset();
  measured_only.kernel_size.reset();
  auto other = esm::make(guest_.seed, esm::ImageId::random(), measured_only, data);
  ASSERT_THAT(other, Succeeds());
  ASSERT_TRUE(other->put_target(guest_.opener.target()));
  auto head = cpio::make_head(other->serialise()).value();
  guest_.initrd = std::move(head);
  guest_.set("chosen", "linux,initrd-end", cells64(Guest::kInitrd + guest_.initrd.size()));
  EXPECT_THAT(guest_.ask(), FailsAt(ErrorCode::operand_malformed, "kernel-size"));
}

TEST_F(SecureMode, SurvivesEveryCutOfTheDeviceTree) {
  const auto tree = make_boot_tree(guest_.tree, guest_.reserved);
  for (std::uint32_t size = 0; size < tree.size(); size += 3) {
    ASSERT_TRUE(guest_.memory.write(Guest::kCall.fdt_address + 4, cells32(size), "test"));
    EXPECT_FALSE(guest_.ask()) << size;
  }
}

TEST_F(SecureMode, SurvivesEveryFlippedBitOfTheDeviceTreeAndOfTheHead) {
  const auto survives = [&](std::uint64_t start, std::uint64_t size, std::uint64_t step) {
    for (std::uint64_t at = start; at < start + size; at += step) {
      for (const unsigned bit : {0U, 7U}) {
        guest_.ram.at(at) ^= static_cast<std::uint8_t>(1U << bit);
        const auto outcome = guest_.ask();
        EXPECT_TRUE(outcome || !outcome.error().message.empty());
        guest_.ram.at(at) ^= static_cast<std::uint8_t>(1U << bit);
      }
    }
  };
  survives(Guest::kCall.fdt_address, make_boot_tree(guest_.tree, guest_.reserved).size(), 1);
  survives(Guest::kInitrd, 2048, 7);
}

}  // namespace
}  // namespace sealift::pef
