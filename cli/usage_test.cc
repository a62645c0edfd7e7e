// SPDX-License-Identifier: Apache-2.0
/// How the tool speaks: help, versions, errors, exit statuses.
#include <fcntl.h>
#include <sys/resource.h>

#include <chrono>

#include "cli/tool_for_test.h"

namespace sealift::cli {
namespace {

class Usage : public ToolTest {};

std::chrono::microseconds processor_time(const rusage& usage) {
  const auto of = [](const timeval& time) {
    return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

const std::vector<std::vector<std::string>>& all_commands() {
  static const std::vector<std::vector<std::string>> commands{{},
                                                              {"image"},
                                                              {"image", "build"},
                                                              {"image", "show"},
                                                              {"image", "seal"},
                                                              {"esm"},
                                                              {"esm", "show"},
                                                              {"esm", "verify"},
                                                              {"esm", "make"},
                                                              {"esm", "authorize"},
                                                              {"tpm"},
                                                              {"tpm", "seal"},
                                                              {"tpm", "make-credential"},
                                                              {"policy"},
                                                              {"policy", "predict"},
                                                              {"enrol"},
                                                              {"enrol", "challenge"},
                                                              {"enrol", "finish"},
                                                              {"enrol", "show"},
                                                              {"sev"},
                                                              {"sev", "verify-chain"},
                                                              {"sev", "session"},
                                                              {"sev", "digest"},
                                                              {"sev", "measure"},
                                                              {"sev", "secret"},
                                                              {"sev", "explain"},
                                                              {"pki"},
                                                              {"pki", "init"},
                                                              {"pki", "issue"},
                                                              {"pki", "revoke"},
                                                              {"dev"},
                                                              {"dev", "host"},
                                                              {"dev", "host", "run"},
                                                              {"dev", "sev"}};
  return commands;
}

TEST_F(Usage, HelpOfEveryCommandHasAnExample) {
  for (auto command : all_commands()) {
    command.emplace_back("--help");
    const auto output = sealift(command);
    EXPECT_EQ(output.exit_status, 0);
    EXPECT_NE(output.out.find("Example"), std::string::npos) << output.out;
    EXPECT_NE(output.out.find("\n  sealift "), std::string::npos) << output.out;
    EXPECT_EQ(output.err, "");
  }
}

TEST_F(Usage, UnknownOptionsAndMissingOnesAreUsageErrorsEverywhere) {
  for (auto command : all_commands()) {
    command.emplace_back("--no-such-option");
    EXPECT_EQ(sealift_error(command, 2)["code"], "invalid_argument");
  }
}

TEST_F(Usage, VersionIsOneLine) {
  const auto output = sealift({"--version"});
  EXPECT_EQ(output.exit_status, 0);
  EXPECT_TRUE(output.out.starts_with("sealift ")) << output.out;
  EXPECT_EQ(std::ranges::count(output.out, '\n'), 1);
}

TEST_F(Usage, StartingCostsAtMostTenMillisecondsOfProcessorTime) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "a sanitizer's own start costs more";
#endif
  auto least = std::chrono::microseconds::max();
  for (int i = 0; i < 20; ++i) {  // the least of them: others may use the processor's caches meanwhile
    rusage before{};
    rusage after{};
    ::getrusage(RUSAGE_CHILDREN, &before);
    sealift({"--version"});
    ::getrusage(RUSAGE_CHILDREN, &after);
    least = std::min(least, processor_time(after) - processor_time(before));
  }
  EXPECT_LE(least.count(), 10'000);
}

TEST_F(Usage, ErrorsForPeopleHaveTheCodeAndTheRemedy) {
  const auto output = sealift({"esm", "show", path("no-such-file")});
  EXPECT_EQ(output.exit_status, 3);
  EXPECT_EQ(output.out, "");
  EXPECT_TRUE(output.err.starts_with("sealift: not_found: ")) << output.err;
  EXPECT_NE(output.err.find("\n  → "), std::string::npos) << output.err;
}

TEST_F(Usage, AMissingFileIsTheEnvironmentsFault) {
  EXPECT_EQ(sealift_error({"esm", "show", path("no")}, 3)["code"], "not_found");
  EXPECT_EQ(sealift_error({"image", "show", path("no")}, 3)["code"], "not_found");
  EXPECT_EQ(sealift_error({"enrol", "show", path("no")}, 3)["code"], "not_found");
  EXPECT_EQ(sealift_error({"tpm", "seal", "--storage-key", path("no"), "--secret", path("no"), "--pcr",
                           std::string{"sha256:6="} + kZeros, "--out", path("out")},
                          3)["code"],
            "not_found");
  EXPECT_FALSE(exists("out"));
}

TEST_F(Usage, AFileThatIsSomethingElseIsRefused) {
  const auto junk = write("junk", "not what you think");
  EXPECT_EQ(sealift_error({"esm", "show", junk}, 1)["code"], "operand_missing");
  EXPECT_EQ(sealift_error({"enrol", "show", junk}, 1)["code"], "malformed");
  EXPECT_EQ(sealift_error({"policy", "predict", "--event-log", junk}, 1)["code"], "malformed");
}

TEST_F(Usage, SealLeavesNothingBehindWhereItFails) {
  const auto junk = write("junk", "not a key");
  const auto before = files();
  for (const auto& pcr :
       std::vector<std::string>{"sha256:6=00", "md5:6=00", std::string{"sha256:24="} + kZeros}) {
    sealift_error(
        {"tpm", "seal", "--storage-key", junk, "--secret", junk, "--pcr", pcr, "--out", path("out")}, 2);
  }
  sealift_error({"tpm", "seal", "--storage-key", junk, "--secret", junk, "--pcr",
                 std::string{"sha256:6="} + kZeros, "--out", path("out")},
                1);
  EXPECT_EQ(files(), before);
}

TEST_F(Usage, AFullStandardOutputIsAnError) {
  auto command = sealift_command({"policy", "predict", "--hardware-key-hash", kZeros, "--secure-boot-jumper",
                                  "on", "--verification-code-hash", kZeros, "--pef", "on"});
  const auto full = open_file("/dev/full", O_WRONLY).value();
  command.stdout_fd = full.get();
  auto child = spawn(command).value();
  EXPECT_EQ(child.wait().value(), 3);
}

TEST_F(Usage, MachineCommandsReachTheEmulatorWithTheirHelp) {
  const auto output = sealift({"dev", "host", "create", "--help"});
  EXPECT_EQ(output.exit_status, 0) << output.err;
  EXPECT_NE(output.out.find("--ek"), std::string::npos) << output.out;
}

TEST_F(Usage, AMachineMayBeCalledLikeACommand) {
  const auto error = sealift_error({"dev", "host", "show", "list", "--dir", path("machines")}, 3);
  EXPECT_EQ(error["code"], "not_found") << error;
}

}  // namespace
}  // namespace sealift::cli
