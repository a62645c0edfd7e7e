// SPDX-License-Identifier: Apache-2.0
/// sealift policy, judged by tpm2_eventlog.
#include "base/matchers.h"
#include "cli/tool_for_test.h"
#include "tpm/event_log.h"
#include "tpm/reference.h"

namespace sealift::cli {
namespace {

const std::vector<std::string> kInputs{"policy",
                                       "predict",
                                       "--hardware-key-hash",
                                       kZeros,
                                       "--secure-boot-jumper",
                                       "on",
                                       "--verification-code-hash",
                                       kOnes,
                                       "--pef",
                                       "off"};

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

class Policy : public ToolTest {};

TEST_F(Policy, PredictsWhatTpm2EventlogComputes) {
  auto log = tpm::EventLog::create(std::array{tpm::HashAlgorithm::sha1, tpm::HashAlgorithm::sha256});
  for (unsigned pcr = 0; pcr < 8; ++pcr) {
    log.append(pcr, tpm::event_type::kPlatformConfigFlags, as_bytes("data"), as_bytes("measured"));
    log.append(pcr, tpm::event_type::kSeparator, Bytes(4), Bytes(4));
  }
  const auto file = write("log", log.bytes());
  const auto pcrs = sealift_json({"policy", "predict", "--event-log", file})["pcrs"];

  Command tool;
  tool.argv = {"tpm2_eventlog", file};
  const auto theirs = run_checked(tool);
  ASSERT_THAT(theirs, Succeeds());
  const auto table = theirs->out.substr(theirs->out.find("\npcrs:"));
  for (const auto* bank : {"sha1", "sha256"}) {
    const auto start = table.find(std::string{bank} + ":\n");
    ASSERT_NE(start, std::string::npos);
    for (const auto& [index, value] : pcrs[bank].items()) {
      const auto line = index + (index.size() == 1 ? "  : 0x" : " : 0x") + value.get<std::string>();
      EXPECT_NE(table.find(line, start), std::string::npos) << line << " not in\n" << table;
    }
    EXPECT_EQ(pcrs[bank].size(), 8U);
  }
}

TEST_F(Policy, PredictsPcr6FromWhatTheFirmwareMeasures) {
  const auto document = sealift_json(with(kInputs, {"--bank", "sha256", "--bank", "sha384"}));
  const tpm::FirmwareInputs inputs{tpm::Digest{Bytes(32, 0x00)}, true, tpm::Digest{Bytes(32, 0x11)}, false};
  const auto expected = tpm::expected_pcrs(
      tpm::firmware_events(inputs), std::array{tpm::HashAlgorithm::sha256, tpm::HashAlgorithm::sha384});
  EXPECT_EQ(document["pcrs"]["sha256"]["6"], to_hex(expected.find(tpm::HashAlgorithm::sha256, 6)->view()));
  EXPECT_EQ(document["pcrs"]["sha384"]["6"], to_hex(expected.find(tpm::HashAlgorithm::sha384, 6)->view()));
  EXPECT_EQ(document["events"].size(), 5U);
}

TEST_F(Policy, WritesTheApprovedMachinesLogWhichReplaysToTheSameValue) {
  const auto predicted = sealift_json(with(kInputs, {"--out", path("approved")}));
  const auto replayed = sealift_json({"policy", "predict", "--event-log", path("approved")});
  EXPECT_EQ(predicted["pcrs"], replayed["pcrs"]);
}

TEST_F(Policy, RefusesHalfOfTheInputsAndBothSources) {
  EXPECT_EQ(sealift_error({"policy", "predict", "--pef", "on"}, 2)["code"], "invalid_argument");
  EXPECT_EQ(sealift_error({"policy", "predict"}, 2)["code"], "invalid_argument");
  EXPECT_EQ(sealift_error(with(kInputs, {"--event-log", write("log", "x")}), 2)["code"], "invalid_argument");
}

TEST_F(Policy, RefusesATruncatedLogNamingTheFile) {
  const std::array banks{tpm::HashAlgorithm::sha256};
  auto bytes = tpm::EventLog::create(banks).bytes();
  bytes.pop_back();
  const auto error = sealift_error({"policy", "predict", "--event-log", write("short.log", bytes)}, 1);
  EXPECT_NE(error["message"].get<std::string>().find("short.log"), std::string::npos);
}

}  // namespace
}  // namespace sealift::cli
