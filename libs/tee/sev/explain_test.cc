// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/explain.h"

#include <gmock/gmock.h>

#include "tee/sev/vmm_kernel.h"

namespace sealift::sev {
namespace {

/// A kernel that a VMM would edit.
Bytes kernel() {
  Bytes bytes(4096, 0x90);
  for (const auto& [offset, value] : {std::pair{0x202, 'H'},
                                      {0x203, 'd'},
                                      {0x204, 'r'},
                                      {0x205, 'S'},
                                      {0x206, '\x0f'},
                                      {0x207, '\x02'},
                                      {0x236, '\x03'},
                                      {0x237, '\0'}}) {
    bytes[static_cast<std::size_t>(offset)] = static_cast<std::uint8_t>(value);
  }
  return bytes;
}

class Explaining : public testing::Test {
 protected:
  Explaining() {
    inputs_.firmware = {"OVMF.fd", firmware_};
    inputs_.other_firmware = {{"other.fd", other_}};
    inputs_.kernel = ByteView{kernel_};
    inputs_.initrd = initrd_;
    inputs_.cmdline = "console=ttyS0 quiet ";
    inputs_.vmsa = {vmsa0_, vmsa1_, 2};
  }

  /// What the PSP says of another launch.
  std::vector<std::string> of(const crypto::Digest& launched) const {
    return of(launched, version_, policy_);
  }
  std::vector<std::string> of(const crypto::Digest& launched, FirmwareVersion version, Policy policy) const {
    const auto measured = measure(tik_, version, policy, launched, {1, 2, 3});
    const auto found = explain_measurement(inputs_, {tik_, version_, policy_, measured});
    if (!found) return {"unexplained"};
    std::vector<std::string> inputs;
    for (const auto& difference : *found) inputs.push_back(difference.input);
    return inputs;
  }
  KernelHashes hashes() const { return hash_kernel(kernel_, initrd_, inputs_.cmdline); }
  crypto::Digest launched(const std::optional<KernelHashes>& table) const {
    return launch_digest(firmware_, table, inputs_.vmsa);
  }
  static TransportKey key() {
    Bytes bytes(16, 9);
    return TransportKey{std::span<std::uint8_t>{bytes}.first<16>()};
  }

  const Bytes firmware_ = Bytes(1000, 'f');
  const Bytes other_ = Bytes(1000, 'o');
  const Bytes kernel_ = kernel();
  const Bytes initrd_ = Bytes(500, 'i');
  const Bytes vmsa0_ = Bytes(kVmsaSize, '0');
  const Bytes vmsa1_ = Bytes(kVmsaSize, '1');
  const TransportKey tik_ = key();
  const FirmwareVersion version_{{1, 55}, 8};
  const Policy policy_{7};
  LaunchInputs inputs_;
};

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(Explaining, FindsNothingWhereNothingDiffers) { EXPECT_THAT(of(launched(hashes())), IsEmpty()); }

TEST_F(Explaining, NamesTheKernelThatAVmmEdited) {
  auto table = hashes();
  table.kernel =
      crypto::digest(crypto::HashAlgorithm::sha256, kernel_as_qemu_edits(kernel_, 500, 512U << 20U));
  EXPECT_THAT(of(launched(table)), ElementsAre("kernel"));
}

TEST_F(Explaining, TakesTheGuestsMemoryForTheKernelsEdit) {
  auto table = hashes();
  table.kernel =
      crypto::digest(crypto::HashAlgorithm::sha256, kernel_as_qemu_edits(kernel_, 500, 300U << 20U));
  EXPECT_THAT(of(launched(table)), ElementsAre("unexplained"));
  inputs_.memory_mib = 300;
  EXPECT_THAT(of(launched(table)), ElementsAre("kernel"));
}

TEST_F(Explaining, NamesACommandLineWithoutItsNulOrWithMoreOrWithoutWhiteSpace) {
  const auto with = [&](const crypto::Digest& cmdline) {
    auto table = hashes();
    table.cmdline = cmdline;
    return launched(table);
  };
  const std::string text{inputs_.cmdline};
  EXPECT_THAT(of(with(crypto::digest(crypto::HashAlgorithm::sha256, as_bytes(text)))),
              ElementsAre("cmdline"));
  EXPECT_THAT(of(with(hash_cmdline(text + "\n"))), ElementsAre("cmdline"));
  EXPECT_THAT(of(with(hash_cmdline("console=ttyS0 quiet"))), ElementsAre("cmdline"));
  EXPECT_THAT(of(with(hash_cmdline(""))), ElementsAre("cmdline"));
  EXPECT_THAT(of(with(hash_cmdline("init=/bin/sh"))), ElementsAre("unexplained"));
}

TEST_F(Explaining, NamesAMissingInitrdOrHashTable) {
  EXPECT_THAT(of(launched(hash_kernel(kernel_, {}, inputs_.cmdline))), ElementsAre("initrd"));
  EXPECT_THAT(of(launched(std::nullopt)), ElementsAre("kernel_hashes"));
}

TEST_F(Explaining, NamesOtherFirmware) {
  EXPECT_THAT(of(launch_digest(other_, hashes(), inputs_.vmsa)), ElementsAre("firmware"));
}

TEST_F(Explaining, NamesAnotherNumberOfVcpus) {
  for (const auto count : {1U, 3U, 64U}) {
    EXPECT_THAT(of(launch_digest(firmware_, hashes(), {vmsa0_, vmsa1_, count})), ElementsAre("vcpus"))
        << count;
  }
  EXPECT_THAT(of(launch_digest(firmware_, hashes())), ElementsAre("vmsa"));
  EXPECT_THAT(of(launch_digest(firmware_, hashes(), {vmsa0_, vmsa0_, 2})), ElementsAre("vmsa"));
}

TEST_F(Explaining, NamesTwoThingsThatDifferAtOnce) {
  EXPECT_THAT(of(launch_digest(other_, hash_kernel(kernel_, {}, inputs_.cmdline), inputs_.vmsa)),
              ElementsAre("firmware", "initrd"));
}

TEST_F(Explaining, NamesPolicyAndVersion) {
  EXPECT_THAT(of(launched(hashes()), version_, Policy{3}), ElementsAre("policy"));
  EXPECT_THAT(of(launched(hashes()), {{1, 54}, 20}, policy_), ElementsAre("version"));
  EXPECT_THAT(of(launched(hashes()), {{0, 55}, 8}, policy_), ElementsAre("version"));
}

TEST_F(Explaining, SaysSoWhereNoSuspectFits) {
  EXPECT_THAT(of(crypto::Digest{Bytes(32, 1)}), ElementsAre("unexplained"));
}

TEST_F(Explaining, WorksOnDigestsToo) {
  const auto target = launched(std::nullopt);
  const auto found = explain_digest(inputs_, [&](const crypto::Digest& digest) { return digest == target; });
  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().input, "kernel_hashes");
}

}  // namespace
}  // namespace sealift::sev
