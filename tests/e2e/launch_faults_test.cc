// SPDX-License-Identifier: Apache-2.0
/// Everything that an untrusted host or storage may bring to a launch, through the real processes. In each
/// case the reported reason is the injected one.
#include <algorithm>

#include "tests/e2e/chain_for_test.h"

namespace sealift::e2e {
namespace {

class LaunchFaults : public testing::Test {
 protected:
  static void SetUpTestSuite() { machine_ = new std::string{Chain::get().sealed_machine()}; }
  static void TearDownTestSuite() {
    chain().host({"stop", *machine_});
    delete machine_;
  }
  static Chain& chain() { return Chain::get(); }

  static void expect_refused(const Words& changes, std::string_view code, std::string_view field) {
    const auto error = chain().host_error(Chain::launch(*machine_, changes));
    EXPECT_EQ(error.value("code", ""), code) << error;
    EXPECT_EQ(error.value("field", ""), field) << error;
    EXPECT_GT(error.value("remedy", "").size(), 20U);
    if (code.ends_with("_differs") && code != "hmac_differs") {
      EXPECT_FALSE(error.value("expected", "").empty()) << error;
      EXPECT_NE(error.value("found", ""), error.value("expected", "")) << error;
    }
  }
  static Bytes component(const char* name) { return read_file(chain().image(name), 256U << 20U).value(); }
  static std::string flipped(Bytes bytes, std::size_t at) {
    bytes.at(at) ^= 1;
    return chain().file(bytes);
  }
  /// The operand's bytes within the initramfs, changed.
  static std::string edited(const std::function<void(std::span<std::uint8_t>)>& change) {
    return chain().with_head([&](Bytes& initramfs) {
      const auto place = cpio::find_operand(ByteView{initramfs}.first(cpio::kUsualHeadSize)).value();
      change(std::span{initramfs}.subspan(place.offset, place.size));
    });
  }
  static std::string replaced(ByteView from, ByteView to) {
    return edited([&](std::span<std::uint8_t> operand) {
      const auto found = std::ranges::search(operand, from);
      ASSERT_FALSE(found.empty());
      std::ranges::copy(to, found.begin());
    });
  }
  static Bytes with_flip(ByteView bytes, std::size_t at = 0) {
    auto copy = to_bytes(bytes);
    copy.at(at) ^= 1;
    return copy;
  }
  static std::string with_target(const std::function<void(esm::Target&)>& change) {
    auto operand = chain().operand();
    auto target = operand.targets().back();
    change(target);
    EXPECT_TRUE(operand.put_target(std::move(target)));
    return chain().with_operand(operand);
  }
  static std::string* machine_;
};
std::string* LaunchFaults::machine_ = nullptr;

TEST_F(LaunchFaults, InTheKernelAreFoundWhereverTheyAre) {
  const auto kernel = component("kernel");
  for (const std::size_t at : {std::size_t{0}, std::size_t{0x1f1}, kernel.size() / 2, kernel.size() - 1}) {
    expect_refused({"--kernel", flipped(kernel, at)}, "kernel_differs", "kernel");
  }
  auto longer = kernel;
  longer.push_back(0);
  expect_refused({"--kernel", chain().file(longer)}, "kernel_differs", "kernel");
  expect_refused({"--kernel", chain().file(ByteView{kernel}.first(kernel.size() - 1))}, "kernel_differs",
                 "kernel");
  expect_refused({"--kernel", chain().file(Bytes{})}, "kernel_differs", "kernel");
}

TEST_F(LaunchFaults, InTheInitramfsAreFoundWhereverTheyAre) {
  const auto initramfs = component("initramfs");
  const auto rest = cpio::find_operand(ByteView{initramfs}.first(cpio::kUsualHeadSize))->rest_offset;
  for (const auto at : {rest, (rest + initramfs.size()) / 2, initramfs.size() - 1}) {
    expect_refused({"--initramfs", flipped(initramfs, at)}, "initramfs_differs", "initramfs");
  }
  expect_refused({"--initramfs", chain().file(ByteView{initramfs}.first(initramfs.size() - 512))},
                 "initramfs_differs", "initramfs");
  auto longer = initramfs;
  longer.insert(longer.end(), initramfs.begin() + static_cast<std::ptrdiff_t>(rest), initramfs.end());
  expect_refused({"--initramfs", chain().file(longer)}, "initramfs_differs", "initramfs");
}

TEST_F(LaunchFaults, InTheCommandLineAreFound) {
  const auto cmdline = std::string{as_text(component("cmdline"))};
  for (const auto& other : {cmdline + " ", " " + cmdline, cmdline + " init=/bin/sh", cmdline.substr(1),
                            cmdline.substr(0, cmdline.size() - 1), std::string{}}) {
    expect_refused({"--cmdline", other}, "cmdline_differs", "cmdline");
  }
}

TEST_F(LaunchFaults, InSeveralComponentsNameTheFirst) {
  expect_refused({"--kernel", flipped(component("kernel"), 7), "--cmdline", "x"}, "kernel_differs", "kernel");
}

TEST_F(LaunchFaults, InThePayloadAreFoundBeforeAnythingIsDecrypted) {
  const auto operand = chain().operand();
  for (const auto& entry : operand.payload()) {
    for (const ByteView part : {ByteView{entry.iv}, ByteView{entry.ciphertext}, ByteView{entry.tag}}) {
      expect_refused({"--initramfs", replaced(part, with_flip(part))}, "hmac_differs", "hmac");
    }
  }
  expect_refused({"--initramfs", replaced(operand.hmac(), with_flip(operand.hmac(), 63))}, "hmac_differs",
                 "hmac");
  expect_refused({"--initramfs", replaced(operand.image_id().view(), with_flip(operand.image_id().view()))},
                 "hmac_differs", "hmac");
  expect_refused({"--initramfs", replaced(as_bytes("token"), as_bytes("taken"))}, "hmac_differs", "hmac");
}

TEST_F(LaunchFaults, ThatSwapCustomerDataAreFound) {
  const auto operand = chain().operand();
  const auto& first = operand.payload().at(1);
  const auto& second = operand.payload().at(2);
  const auto swapped = edited([&](std::span<std::uint8_t> bytes) {
    const auto iv = std::ranges::search(bytes, first.iv);
    const auto other = std::ranges::search(bytes, second.iv);
    std::swap_ranges(iv.begin(), iv.end(), other.begin());
  });
  expect_refused({"--initramfs", swapped}, "hmac_differs", "hmac");
}

TEST_F(LaunchFaults, InTheSealedDataAreFoundByTheTpm) {
  const std::function<void(esm::Target&)> faults[] = {
      [](auto& target) { target.duplicate[40] ^= 1; }, [](auto& target) { target.duplicate.back() ^= 1; },
      [](auto& target) { target.public_area.back() ^= 1; }, [](auto& target) { target.seed.back() ^= 1; }};
  for (const auto& fault : faults) {
    const auto error = chain().host_error(Chain::launch(*machine_, {"--initramfs", with_target(fault)}));
    EXPECT_EQ(error.value("code", ""), "sealed_data_refused") << error;
  }
}

TEST_F(LaunchFaults, OfASealThatWasMovedFromAnotherMachineAreFound) {
  const auto other = chain().sealed_machine();
  auto operand = chain().operand();
  const auto moved = operand.targets().back();
  const auto mine = std::ranges::find_if(operand.targets(), [&](const auto& t) { return !(t == moved); });
  auto relabelled = moved;
  relabelled.storage_key_name = mine->storage_key_name;
  ASSERT_TRUE(operand.put_target(relabelled));
  chain().host({"stop", other});
  const auto error =
      chain().host_error(Chain::launch(*machine_, {"--initramfs", chain().with_operand(operand)}));
  EXPECT_EQ(error.value("code", ""), "sealed_data_refused") << error;
}

TEST_F(LaunchFaults, OfAnOperandSealedToNobodyOrToOthersAreFound) {
  auto operand = chain().operand();
  while (!operand.targets().empty()) {
    ASSERT_TRUE(operand.remove_target(Bytes{operand.targets().front().storage_key_name}));
  }
  expect_refused({"--initramfs", chain().with_operand(operand)}, "no_target_for_host", "sealed-data");
}

TEST_F(LaunchFaults, OfAMissingOrDamagedOperandAreFound) {
  const auto initramfs = component("initramfs");
  const auto place = cpio::find_operand(ByteView{initramfs}.first(cpio::kUsualHeadSize)).value();
  const auto code_of = [&](const std::string& file) {
    return chain().host_error(Chain::launch(*machine_, {"--initramfs", file})).value("code", "");
  };
  EXPECT_EQ(code_of(chain().file(ByteView{initramfs}.subspan(place.rest_offset))), "operand_missing");
  EXPECT_EQ(code_of(chain().file(Bytes{})), "operand_missing");
  EXPECT_EQ(code_of(chain().file(as_bytes("not an archive at all"))), "operand_missing");
  // A damaged magic number, then structure: nothing of it is read on.
  EXPECT_EQ(code_of(edited([](auto operand) { operand[0] ^= 1; })), "operand_malformed");
  EXPECT_EQ(code_of(edited([](auto operand) { operand[7] ^= 4; })), "operand_malformed");
  for (const std::size_t size :
       {place.offset / 2, place.offset + 1, place.offset + 1000, place.offset + place.size}) {
    const auto code = code_of(chain().file(ByteView{initramfs}.first(size)));
    EXPECT_TRUE(code == "truncated" || code == "operand_missing" || code == "operand_malformed")
        << size << code;
  }
}

TEST_F(LaunchFaults, OfAFileHiddenInTheHeadArchiveAreFound) {
  // The digest does not cover the head, and the guest's kernel unpacks it: nothing else may be there.
  const auto hidden = chain().with_head([](Bytes& initramfs) {
    const auto at = std::ranges::search(initramfs, as_bytes("opt/ibm/pef/sealift.esm")).begin();
    std::ranges::copy(as_bytes("opt/ibm/pef/../../../in"), at);
  });
  const auto error = chain().host_error(Chain::launch(*machine_, {"--initramfs", hidden}));
  EXPECT_TRUE(error.value("code", "") == "operand_malformed" || error.value("code", "") == "operand_missing")
      << error;
}

TEST_F(LaunchFaults, OfThePayloadOfAnotherImageAreFound) {
  // Another image under this machine's own target: its seed is not the one that the seal holds.
  cli::sealift_json({"esm", "make", "--kernel", chain().image("kernel"), "--initramfs",
                     chain().image("initramfs"), "--cmdline", std::string{as_text(component("cmdline"))},
                     "--seed", chain().path("other.seed"), "--out", chain().path("other.esm"), "--reserve",
                     std::to_string(chain().operand().total_size())});
  auto other = esm::Operand::parse(read_file(chain().path("other.esm"), 1U << 20U).value()).value();
  const auto ours = chain().operand();
  for (const auto& target : ours.targets()) ASSERT_TRUE(other.put_target(target));
  expect_refused({"--initramfs", chain().with_operand(other)}, "hmac_differs", "hmac");
}

struct Firmware {
  const char* name;
  Words flash;
  const char* field;
};

TEST(FirmwareFaults, AreRefusedNamingTheFirstEventThatDiffers) {
  auto& chain = Chain::get();
  const auto machine = chain.sealed_machine();
  const Firmware faults[] = {
      {"other verification code", {"--firmware", "next"}, "pcr6.verification-code-hash"},
      {"other vendor's keys", {"--firmware", "foreign", "--rewrite-hardware-keys"}, "pcr6.hardware-key-hash"},
      {"secure boot off",
       {"--firmware", "default", "--rewrite-hardware-keys", "--secure-boot-jumper", "off"},
       "pcr6.secure-boot-jumper"},
      {"PEF off", {"--secure-boot-jumper", "on", "--pef", "off"}, "pcr6.pef-enable"}};
  for (const auto& fault : faults) {
    SCOPED_TRACE(fault.name);
    chain.host({"stop", machine});
    Words words{"flash", machine};
    words.insert(words.end(), fault.flash.begin(), fault.flash.end());
    chain.host(words);
    chain.host({"boot", machine});
    const auto error = chain.host_error(Chain::launch(machine));
    EXPECT_EQ(error.value("code", ""), "pcr_differs") << error;
    EXPECT_EQ(error.value("field", ""), fault.field) << error;
    EXPECT_TRUE(error.value("expected", "").starts_with(std::string{fault.field}.substr(5))) << error;
    EXPECT_NE(error.value("found", ""), error.value("expected", "")) << error;
  }
  chain.host({"stop", machine});
}

TEST(FirmwareFaults, EndTheBootWhereAComponentWasAltered) {
  auto& chain = Chain::get();
  const auto machine = chain.sealed_machine();
  chain.host({"stop", machine});
  for (const auto* component :
       {"immutable-loader", "mutable-loader", "host-boot-loader", "init", "ext", "opal"}) {
    for (const auto& [how, code] : {std::pair{"--payload", "firmware_signature_invalid"},
                                    std::pair{"--signature", "firmware_signature_invalid"},
                                    std::pair{"--hardware-keys", "firmware_keys_differ"}}) {
      SCOPED_TRACE(std::string{component} + how);
      chain.host({"flash", machine, "--firmware", "default"});
      chain.host({"tamper", machine, "--component", component, how});
      const auto error = chain.host_error({"boot", machine});
      EXPECT_EQ(error.value("code", ""), code) << error;
      EXPECT_EQ(error.value("field", ""), component) << error;
      EXPECT_EQ(chain.host_error(Chain::launch(machine), 3).value("code", ""), "unavailable");
    }
  }
}

}  // namespace
}  // namespace sealift::e2e
