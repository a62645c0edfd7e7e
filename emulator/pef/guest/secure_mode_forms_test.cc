// SPDX-License-Identifier: Apache-2.0
/// What a guest must be refused for, whichever format its operand has and wherever it lies.
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "emulator/pef/guest/guest_for_test.h"
#include "formats/cpio/head.h"

namespace sealift::pef {
namespace {

using Guest = GuestForTest;

enum class Format : std::uint8_t { sealift, ibm };
enum class Place : std::uint8_t { initramfs, wrapper };

class SecureModeInEveryForm : public testing::TestWithParam<std::tuple<Format, Place>> {
 protected:
  static constexpr std::uint64_t kWrapper = 0x80'0000;

  SecureModeInEveryForm() {
    if (is_ibms()) guest_.use_ibms_format();
    if (in_wrapper()) guest_.move_operand_to_wrapper(kWrapper);
  }
  static bool is_ibms() { return std::get<Format>(GetParam()) == Format::ibm; }
  static bool in_wrapper() { return std::get<Place>(GetParam()) == Place::wrapper; }

  std::uint64_t initramfs_rest() const {
    return Guest::kInitrd + (in_wrapper() ? 0 : cpio::find_operand(guest_.initrd)->rest_offset);
  }
  void expect_refused(ErrorCode code, const std::string& field) {
    const auto refused = guest_.ask();
    ASSERT_THAT(refused, FailsAt(code, field));
    EXPECT_EQ(ultracall_code(refused.error()), UltracallCode::permission);
  }
  void expect_flip_refused(std::uint64_t address, ErrorCode code, const std::string& field) {
    guest_.ram.at(address) ^= 1;
    expect_refused(code, field);
    guest_.ram.at(address) ^= 1;
  }

  Guest guest_;
};

TEST_P(SecureModeInEveryForm, IsForAGuestThatIsWhatWasSealed) {
  const auto secure = guest_.ask();
  ASSERT_THAT(secure, Succeeds());
  EXPECT_EQ(guest_.steps, (std::vector<std::string>{"operand_found", "target_found", "seal_opened",
                                                    "payload_verified", "components_verified"}));
  ASSERT_EQ(secure->customer_data.size(), 1U);
  EXPECT_EQ(as_text(secure->customer_data[0].value.expose()), "correct horse");
}

TEST_P(SecureModeInEveryForm, IsRefusedForAFlippedBitOfEachPart) {
  const auto kernel = Guest::kCall.kernel_base;
  const auto rest = initramfs_rest();
  expect_flip_refused(kernel, ErrorCode::kernel_differs, "kernel");
  expect_flip_refused(kernel + guest_.kernel.size() - 1, ErrorCode::kernel_differs, "kernel");
  expect_flip_refused(rest, ErrorCode::initramfs_differs, "initramfs");
  expect_flip_refused(rest + guest_.rest.size() - 1, ErrorCode::initramfs_differs, "initramfs");
  expect_flip_refused(Guest::kRtas, ErrorCode::rtas_differs, "rtas");
  expect_flip_refused(Guest::kRtas + guest_.rtas.size() - 1, ErrorCode::rtas_differs, "rtas");
  EXPECT_THAT(guest_.ask(), Succeeds());
}

TEST_P(SecureModeInEveryForm, IsRefusedForAnotherCommandLineOrNone) {
  guest_.set("chosen", "bootargs", text_value("console=hvc0 svm=on init=/bin/sh"));
  expect_refused(ErrorCode::cmdline_differs, "cmdline");
  guest_.remove("bootargs");
  expect_refused(ErrorCode::cmdline_differs, "cmdline");
}

TEST_P(SecureModeInEveryForm, IsRefusedForAShorterInitramfsOrALongerOne) {
  const auto end = Guest::kInitrd + guest_.initrd.size();
  for (const auto moved : {end - 1, end + 1}) {
    guest_.set("chosen", "linux,initrd-end", cells64(moved));
    expect_refused(ErrorCode::initramfs_differs, "initramfs");
  }
}

TEST_P(SecureModeInEveryForm, IsRefusedForAShorterRtasOrNone) {
  guest_.set("rtas", "slof,rtas-size", cells32(19));
  expect_refused(ErrorCode::rtas_differs, "rtas");
  guest_.remove("linux,rtas-base");
  expect_refused(ErrorCode::rtas_differs, "rtas");
}

TEST_P(SecureModeInEveryForm, IsRefusedOnAnotherMachine) {
  guest_.opener.rename(Bytes(34, 9));
  guest_.lockboxes.change_key();
  expect_refused(ErrorCode::no_target_for_host, is_ibms() ? "lockboxes" : "sealed-data");
}

TEST_P(SecureModeInEveryForm, IsRefusedWhereTheMachineKeepsItsKeysShut) {
  guest_.opener.refuse(ErrorCode::pcr_differs);
  guest_.lockboxes.refuse(ErrorCode::pcr_differs);
  expect_refused(ErrorCode::pcr_differs, "sha256:6");
  guest_.opener.refuse(ErrorCode::tpm_unavailable);
  guest_.lockboxes.refuse(ErrorCode::tpm_unavailable);
  EXPECT_EQ(ultracall_code(guest_.ask().error()), UltracallCode::not_available);
}

TEST_P(SecureModeInEveryForm, IsRefusedOnceTheOperandIsGone) {
  guest_.remove("linux,esm-blob-start");
  guest_.remove("linux,esm-blob-end");
  guest_.initrd = guest_.rest;
  guest_.set("chosen", "linux,initrd-end", cells64(Guest::kInitrd + guest_.initrd.size()));
  const auto refused = guest_.ask();
  EXPECT_THAT(refused, FailsWith(ErrorCode::operand_missing));
  EXPECT_EQ(ultracall_code(refused.error()), UltracallCode::parameter);
}

/// Only what was sealed gets in: no bit of the operand may change what is let in.
TEST_P(SecureModeInEveryForm, NeverGivesOtherCustomerDataForAFlippedBitOfTheOperand) {
  const auto place = in_wrapper() ? kWrapper : Guest::kInitrd;
  const auto size = guest_.operand_bytes().size();
  for (std::uint64_t at = place; at < place + size; at += 41) {
    guest_.ram.at(at) ^= 0x10;
    if (const auto secure = guest_.ask()) {
      for (const auto& entry : secure->customer_data)
        EXPECT_EQ(as_text(entry.value.expose()), "correct horse") << at - place;
    }
    guest_.ram.at(at) ^= 0x10;
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, SecureModeInEveryForm,
                         testing::Combine(testing::Values(Format::sealift, Format::ibm),
                                          testing::Values(Place::initramfs, Place::wrapper)),
                         [](const auto& form) {
                           const bool ibms = std::get<Format>(form.param) == Format::ibm;
                           const bool wrapped = std::get<Place>(form.param) == Place::wrapper;
                           return std::string{ibms ? "IbmEsm" : "SealiftEsmV1"} +
                                  (wrapped ? "InTheWrapper" : "InTheInitramfs");
                         });

}  // namespace
}  // namespace sealift::pef
