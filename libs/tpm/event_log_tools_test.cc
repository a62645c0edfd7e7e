// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "base/process.h"
#include "tpm/reference.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tpm {
namespace {

// Logs with EV_NO_ACTION events are not compared: tpm2-tools 5.4 extends them (fixed in 5.6, pull request
// 3242), which no TPM does.

/// The "pcrs:" part of what tpm2_eventlog prints, rebuilt from a replay.
std::string as_tpm2_eventlog_prints(const std::vector<PcrValue>& values) {
  std::string text = "pcrs:\n";
  std::string_view bank;
  for (const auto& value : values) {
    if (bank != crypto::name(value.hash)) text += fmt::format("  {}:\n", bank = crypto::name(value.hash));
    text += fmt::format("    {:<2} : 0x{}\n", value.index, to_hex(value.value.view()));
  }
  return text;
}

std::string printed_by_tpm2_eventlog(const Bytes& log) {
  const auto directory = TemporaryDirectory::create().value();
  const auto file = directory.path() / "log";
  EXPECT_THAT(write_file(file, log), Succeeds());
  Command command;
  command.argv = {"tpm2_eventlog", file.native()};
  const auto output = run_checked(command);
  EXPECT_THAT(output, Succeeds());
  return output ? output->out.substr(output->out.find("pcrs:\n")) : std::string{};
}

const FirmwareInputs kInputs{.hardware_key_hash = Digest{Bytes(64, 1)},
                             .secure_boot_jumper = true,
                             .verification_code_hash = Digest{Bytes(32, 2)},
                             .pef_enabled = true};

class EventLogAgainstTools : public testing::TestWithParam<std::vector<HashAlgorithm>> {};

TEST_P(EventLogAgainstTools, ReplaysAsTpm2EventlogDoes) {
  auto log = expected_log(firmware_events(kInputs), GetParam());
  log.append(0, event_type::kSeparator, Bytes(4), Bytes(4));
  log.append(23, event_type::kPlatformConfigFlags, as_bytes("the log says this"),
             as_bytes("the PCR got that"));
  EXPECT_EQ(printed_by_tpm2_eventlog(log.bytes()), as_tpm2_eventlog_prints(log.replay()));
}

INSTANTIATE_TEST_SUITE_P(Banks, EventLogAgainstTools,
                         testing::Values(std::vector{HashAlgorithm::sha256},
                                         std::vector{HashAlgorithm::sha1, HashAlgorithm::sha256},
                                         std::vector{HashAlgorithm::sha1, HashAlgorithm::sha256,
                                                     HashAlgorithm::sha384, HashAlgorithm::sha512}));

TEST(EventLogAgainstTool, ReplaysALogOfTpm12AsTpm2EventlogDoes) {
  ByteWriter out;
  out.le32(4).le32(5).bytes(Bytes(20, 7)).le32(3).text("abc");
  out.le32(4).le32(4).bytes(Bytes(20, 8)).le32(4).bytes(Bytes(4));
  EXPECT_EQ(printed_by_tpm2_eventlog(out.view()),
            as_tpm2_eventlog_prints(EventLog::parse(out.view())->replay()));
}

TEST(EventLogAgainstTpm, PredictsWhatATpmHoldsAfterTheSameEvents) {
  auto swtpm = SwtpmForTest::start();
  ASSERT_THAT(swtpm, Succeeds());
  const std::array banks{HashAlgorithm::sha256, HashAlgorithm::sha384};
  const auto events = firmware_events(kInputs);
  const auto log = expected_log(events, banks);
  for (const auto& event : log.events()) {
    ASSERT_THAT(swtpm->tool_checked({"tpm2_pcrextend", "6:sha256=" + to_hex(event.digests[0].view()) +
                                                           ",sha384=" + to_hex(event.digests[1].view())}),
                Succeeds());
  }
  const auto file = swtpm->path("pcrs");
  ASSERT_THAT(swtpm->tool_checked({"tpm2_pcrread", "sha256:6+sha384:6", "-o", file.native()}), Succeeds());
  const auto expected = expected_pcrs(events, banks);
  EXPECT_EQ(to_hex(read_file(file, 256).value()),
            to_hex(expected.find(HashAlgorithm::sha256, 6)->view()) +
                to_hex(expected.find(HashAlgorithm::sha384, 6)->view()));
}

}  // namespace
}  // namespace sealift::tpm
