// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/boot.h"

#include <gmock/gmock.h>
#include <signal.h>

#include "base/matchers.h"
#include "emulator/machine/change.h"
#include "emulator/machine/description.h"
#include "emulator/machine/firmware_store.h"
#include "emulator/machine/machines_for_test.h"
#include "emulator/machine/process_file.h"
#include "tpm/wrapping_key.h"

namespace sealift::emulator {
namespace {

using crypto::HashAlgorithm;
using testing::HasSubstr;

constexpr std::array kBanks{HashAlgorithm::sha1, HashAlgorithm::sha256, HashAlgorithm::sha384,
                            HashAlgorithm::sha512};

class Booting : public testing::Test {
 protected:
  Status boot() { return boot_machine(machine_, MachinesForTest::placeholder()); }
  tpm::PcrValues recorded_pcrs() const {
    return tpm::PcrValues::parse(read_boot_record(machine_.last_boot()).value()->pcrs).value();
  }
  tpm::EventLog log() const {
    return tpm::EventLog::parse(read_file(machine_.event_log(), 1U << 20U).value()).value();
  }
  /// Does the TPM take it as the boot password?
  bool is_boot_password(const std::string& hex) const {
    const auto read = MachinesForTest::tool(
        machine_, {"tpm2_nvread", "0x01800100", "-C", "0x01800100", "-P", "hex:" + hex, "-o", "/dev/null"});
    return read.value().exit_status == 0;
  }
  Status flash(const FlashOptions& options) { return flash_machine(machine_, options); }

  MachinesForTest machines_;
  Machine machine_ = machines_.create("alpha").value();
};

TEST_F(Booting, GivesThePcrsThatTheReferencePredictsInAllBanks) {
  ASSERT_THAT(boot(), Succeeds());
  const auto firmware = read_firmware(machine_).value();
  const auto inputs = firmware_inputs(firmware.flash, firmware.state.chip).value();
  EXPECT_EQ(recorded_pcrs(), tpm::expected_pcrs(tpm::firmware_events(inputs), kBanks));
  EXPECT_THAT(recorded_pcrs().text(), HasSubstr(read_description(machine_.description())->expected_pcrs));
}

TEST_F(Booting, WritesALogThatExplainsThePcrsOfTheTpm) {
  ASSERT_THAT(boot(), Succeeds());
  const auto replayed = log().replay();
  EXPECT_EQ(tpm::PcrValues::from_values(replayed).value(), recorded_pcrs());
  const auto shown = MachinesForTest::tool(machine_, {"tpm2_pcrread", "sha1:6+sha256:6+sha384:6+sha512:6"});
  const auto explained = run(program({"tpm2_eventlog", machine_.event_log().native()}));
  ASSERT_EQ(explained->exit_status, 0) << explained->err;
  for (const auto& value : replayed) {
    const auto hex = to_hex(value.value.view());
    std::string upper{hex};
    std::ranges::transform(upper, upper.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
    EXPECT_THAT(shown->out, HasSubstr("0x" + upper));
    EXPECT_THAT(explained->out, HasSubstr("0x" + hex));
  }
}

TEST_F(Booting, AgainIsATpmResetWithTheSamePcrs) {
  ASSERT_THAT(boot(), Succeeds());
  const auto before = recorded_pcrs();
  ASSERT_THAT(MachinesForTest::tool(machine_, {"tpm2_pcrextend", "6:sha256=" + std::string(64, 'a')}),
              Succeeds());
  ASSERT_THAT(boot(), Succeeds());
  EXPECT_EQ(recorded_pcrs(), before);
}

TEST_F(Booting, GivesTheUltravisorTheBootPasswordOfThisBootOnly) {
  ASSERT_THAT(boot(), Succeeds());
  const auto first = MachinesForTest::boot_password(machine_);
  EXPECT_EQ(first.size(), 64U);
  EXPECT_TRUE(is_boot_password(first));
  ASSERT_THAT(boot(), Succeeds());
  const auto second = MachinesForTest::boot_password(machine_);
  EXPECT_NE(first, second);
  EXPECT_TRUE(is_boot_password(second));
  EXPECT_FALSE(is_boot_password(first));
}

TEST_F(Booting, LeavesThePlatformAuthorizationToNobody) {
  ASSERT_THAT(boot(), Succeeds());
  const auto tried =
      MachinesForTest::tool(machine_, {"tpm2_nvread", "0x01800100", "-C", "p", "-o", "/dev/null"});
  EXPECT_NE(tried->exit_status, 0);
}

TEST_F(Booting, EndsTheUltravisorOfTheBootBefore) {
  ASSERT_THAT(boot(), Succeeds());
  const auto first = running_process(machine_.ultravisor_process());
  ASSERT_TRUE(first);
  ASSERT_THAT(boot(), Succeeds());
  EXPECT_NE(running_process(machine_.ultravisor_process()), first);
  EXPECT_TRUE(is_on(machine_));
}

TEST_F(Booting, PassesOnWhoTheGuestsRunAs) {
  auto options = MachinesForTest::placeholder();
  options.run_as = "nobody";
  ASSERT_THAT(boot_machine(machine_, options), Succeeds());
  EXPECT_EQ(as_text(read_file(machine_.ultravisor_socket().native() + ".run-as", 64).value()), "nobody");
}

TEST_F(Booting, StopsAtATamperedComponentAndLeavesTheMachineOff) {
  ASSERT_THAT(boot(), Succeeds());
  for (const auto component : kComponents) {
    SCOPED_TRACE(name(component));
    ASSERT_THAT(tamper_machine(machine_, component, Tampering::payload), Succeeds());
    EXPECT_THAT(boot(), FailsAt(ErrorCode::firmware_signature_invalid, name(component)));
    EXPECT_FALSE(running_process(machine_.tpm_process()));
    EXPECT_FALSE(running_process(machine_.ultravisor_process()));
    const auto record = read_boot_record(machine_.last_boot()).value();
    ASSERT_TRUE(record && record->refusal);
    EXPECT_EQ(record->refusal->field, name(component));
    ASSERT_THAT(flash({.firmware = "default", .secure_boot_jumper = {}, .pef_enabled = {}}), Succeeds());
  }
  EXPECT_THAT(boot(), Succeeds());
}

TEST_F(Booting, KeepsTheLogOfARefusedBootUpToTheRefusal) {
  ASSERT_THAT(tamper_machine(machine_, Component::ext, Tampering::signature), Succeeds());
  EXPECT_FALSE(boot());
  EXPECT_EQ(tpm::PcrValues::from_values(log().replay()).value(), recorded_pcrs());
  EXPECT_EQ(log().events().size(), 3U);
}

TEST_F(Booting, GivesOtherPcrsWithAnyOtherFirmwareOrStrap) {
  ASSERT_THAT(boot(), Succeeds());
  std::vector<std::string> seen{recorded_pcrs().text()};
  FlashOptions next;
  next.firmware = "next";
  FlashOptions foreign;
  foreign.firmware = "foreign";
  foreign.rewrite_hardware_keys = true;
  FlashOptions unlocked;
  unlocked.firmware = "default";
  unlocked.rewrite_hardware_keys = true;
  unlocked.secure_boot_jumper = false;
  FlashOptions without_pef;
  without_pef.secure_boot_jumper = true;
  without_pef.pef_enabled = false;
  for (const auto& change : {next, foreign, unlocked, without_pef}) {
    ASSERT_THAT(flash(change), Succeeds());
    ASSERT_THAT(boot(), Succeeds());
    EXPECT_THAT(seen, testing::Not(testing::Contains(recorded_pcrs().text())));
    seen.push_back(recorded_pcrs().text());
  }
}

TEST_F(Booting, GivesTheWrappingKeysPasswordOnlyToAPefMachineThatHasPefOn) {
  constexpr auto kDigits = 2 * tpm::kBootPasswordSize;
  ASSERT_THAT(boot(), Succeeds());
  EXPECT_EQ(MachinesForTest::boot_password(machine_).size(), kDigits) << "a measured machine has no such key";
  auto options = MachinesForTest::quick();
  options.tee = "pef";
  const auto power = machines_.create("power", options).value();
  const auto given = [&] {
    EXPECT_THAT(boot_machine(power, MachinesForTest::placeholder()), Succeeds());
    return MachinesForTest::boot_password(power);
  };
  const auto first = given();
  const auto key = read_file(power.wrapping_key(), 1U << 16U).value();
  const auto second = given();
  EXPECT_EQ(first.size(), kDigits + 2 * tpm::kWrappingPasswordSize);
  EXPECT_NE(first.substr(kDigits), second.substr(kDigits)) << "it is of one boot";
  EXPECT_EQ(read_file(power.wrapping_key(), 1U << 16U).value(), key) << "the key stays";
  FlashOptions without_pef;
  without_pef.pef_enabled = false;
  ASSERT_THAT(flash_machine(power, without_pef), Succeeds());
  EXPECT_EQ(given().size(), kDigits);
}

TEST_F(Booting, RefusesAnotherVendorsFirmwareUnlessTheMachineAcceptsItsKeys) {
  FlashOptions foreign;
  foreign.firmware = "foreign";
  ASSERT_THAT(flash(foreign), Succeeds());
  EXPECT_THAT(boot(), FailsAt(ErrorCode::firmware_keys_differ, "immutable-loader"));
}

TEST_F(Booting, PowersOffWhereTheUltravisorEndsAtOnce) {
  auto options = MachinesForTest::placeholder();
  options.ultravisor = "/bin/false";
  EXPECT_THAT(boot_machine(machine_, options), FailsAt(ErrorCode::unavailable, "ultravisor"));
  EXPECT_FALSE(running_process(machine_.tpm_process()));
  const auto record = read_boot_record(machine_.last_boot()).value();
  ASSERT_TRUE(record && record->refusal);
  EXPECT_EQ(record->refusal->code, ErrorCode::unavailable);
}

TEST_F(Booting, PowersOffWhereTheUltravisorDoesNotAnswerInTime) {
  const auto script = machines_.path() / "mute";
  ASSERT_THAT(write_file(script, as_bytes("#!/bin/sh\nexec cat /dev/zero >/dev/null\n"), 0755), Succeeds());
  auto options = MachinesForTest::placeholder();
  options.ultravisor = script;
  options.ultravisor_limit = std::chrono::milliseconds{50};
  EXPECT_THAT(boot_machine(machine_, options), FailsAt(ErrorCode::timeout, "ultravisor"));
  EXPECT_FALSE(running_process(machine_.tpm_process()));
  EXPECT_FALSE(running_process(machine_.ultravisor_process()));
}

TEST_F(Booting, SaysWhereThereIsNoUltravisor) {
  auto options = MachinesForTest::placeholder();
  options.ultravisor = "/nonexistent/ultravisor";
  EXPECT_THAT(boot_machine(machine_, options), FailsAt(ErrorCode::dependency_missing, "ultravisor"));
}

TEST_F(Booting, WorksAfterACrashOfEitherProcess) {
  for (const auto& file : {machine_.ultravisor_process(), machine_.tpm_process()}) {
    ASSERT_THAT(boot(), Succeeds());
    ::kill(*running_process(file), SIGKILL);
    EXPECT_THAT(boot(), Succeeds());
  }
}

TEST_F(Booting, WorksWhereACrashOfOursLeftATpmThatNobodyRemembers) {
  ASSERT_THAT(boot(), Succeeds());
  ASSERT_TRUE(std::filesystem::remove(machine_.tpm_process()));
  EXPECT_THAT(boot(), Succeeds());
}

TEST_F(Booting, IsUndoneByStopping) {
  ASSERT_THAT(boot(), Succeeds());
  const auto tpm = *running_process(machine_.tpm_process());
  ASSERT_THAT(stop_machine(machine_), Succeeds());
  EXPECT_FALSE(is_on(machine_));
  EXPECT_NE(::kill(tpm, 0), 0);
  EXPECT_FALSE(std::filesystem::exists(machine_.tpm_socket()));
  EXPECT_THAT(stop_machine(machine_), Succeeds());
}

TEST_F(Booting, NeverEndsAForeignProcess) {
  const auto us = std::to_string(::getpid());
  ASSERT_THAT(write_file(machine_.ultravisor_process(), as_bytes(us + " 1\n")), Succeeds());
  ASSERT_THAT(write_file(machine_.tpm_process(), as_bytes("rubbish")), Succeeds());
  EXPECT_FALSE(is_on(machine_));
  EXPECT_THAT(stop_machine(machine_), Succeeds());
}

}  // namespace
}  // namespace sealift::emulator
