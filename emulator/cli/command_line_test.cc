// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "base/matchers.h"
#include "emulator/machine/machines_for_test.h"

namespace sealift::emulator {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class CommandLine : public testing::Test {
 protected:
  Command command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), SEALIFT_EMULATOR);
    arguments.insert(arguments.end(), {"--dir", machines_.path().native()});
    return program(std::move(arguments));
  }
  Output emulator(std::vector<std::string> arguments) const {
    return run(command(std::move(arguments))).value();
  }
  json create(const std::string& name) const {
    const auto made = emulator({"create", name, "--ek", "p256", "--storage-key", "p256", "--json"});
    EXPECT_EQ(made.exit_status, 0) << made.err;
    return json::parse(made.out);
  }
  MachinesForTest machines_;
};

TEST_F(CommandLine, ShowsExamplesInItsHelp) {
  const auto help = run(program({SEALIFT_EMULATOR, "--help"})).value();
  EXPECT_EQ(help.exit_status, 0);
  EXPECT_THAT(help.out, HasSubstr("sealift-emulator create alpha"));
}

TEST_F(CommandLine, PrintsAMadeMachineAsOneDocument) {
  const auto machine = create("alpha");
  EXPECT_EQ(machine["name"], "alpha");
  EXPECT_EQ(machine["state"], "off");
  EXPECT_EQ(machine["ek"]["fingerprint"].get<std::string>().size(), 64U);
  EXPECT_EQ(machine["firmware"]["components"].size(), 6U);
  EXPECT_FALSE(machine.contains("last_boot"));
  const auto list = json::parse(emulator({"list", "--json"}).out);
  EXPECT_EQ(list["machines"], json::array({machine}));
  EXPECT_EQ(json::parse(emulator({"show", "alpha", "--json"}).out), machine);
}

TEST_F(CommandLine, TellsOfARefusedBootWithCodeFieldAndRemedy) {
  create("alpha");
  ASSERT_EQ(emulator({"tamper", "alpha", "--component", "opal", "--hardware-keys"}).exit_status, 0);
  const auto boot = emulator({"boot", "alpha", "--ultravisor", SEALIFT_PLACEHOLDER_ULTRAVISOR, "--json"});
  EXPECT_EQ(boot.exit_status, 1);
  EXPECT_EQ(boot.out, "");
  const auto error = json::parse(boot.err)["error"];
  EXPECT_EQ(error["code"], "firmware_keys_differ");
  EXPECT_EQ(error["field"], "opal");
  EXPECT_NE(error["remedy"], "");
  const auto shown = json::parse(emulator({"show", "alpha", "--json"}).out);
  EXPECT_EQ(shown["last_boot"]["booted"], false);
  EXPECT_EQ(shown["last_boot"]["error"], error);
}

TEST_F(CommandLine, RunsAMachineThatOutlivesTheCommand) {
  create("alpha");
  const auto boot = emulator({"boot", "alpha", "--ultravisor", SEALIFT_PLACEHOLDER_ULTRAVISOR, "--json"});
  ASSERT_EQ(boot.exit_status, 0) << boot.err;
  const auto machine = json::parse(boot.out);
  EXPECT_EQ(machine["state"], "on");
  EXPECT_EQ(machine["last_boot"]["pcrs"]["sha256"], machine["expected_pcrs"]["sha256"]);
  EXPECT_EQ(json::parse(emulator({"evidence", "alpha"}).out)["profile"], "firmware");
  EXPECT_EQ(json::parse(emulator({"stop", "alpha", "--json"}).out)["state"], "off");
  EXPECT_EQ(emulator({"evidence", "alpha"}).exit_status, 3);
}

TEST_F(CommandLine, EndsWithTwoWhereItWasTypedWrongly) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"create", "--json"},
           {"create", "Alpha", "--json"},
           {"create", "alpha", "--pef", "maybe", "--json"},
           {"create", "alpha", "--ek", "rsa1024", "--json"},
           {"explode", "--json"},
           {"tamper", "alpha", "--component", "opal", "--payload", "--signature", "--json"}}) {
    const auto done = emulator(arguments);
    EXPECT_EQ(done.exit_status, 2) << done.err;
    EXPECT_EQ(json::parse(done.err)["error"]["code"], "invalid_argument");
  }
}

TEST_F(CommandLine, EndsWithThreeWhereTheMachineIsNotThere) {
  const auto done = emulator({"boot", "nobody", "--json"});
  EXPECT_EQ(done.exit_status, 3);
  EXPECT_EQ(json::parse(done.err)["error"]["code"], "not_found");
}

TEST_F(CommandLine, LeavesAWholeMachineOrNothingAfterCtrlC) {
  create("first");  // so that the authority and the firmware are there
  auto creating = spawn(command({"create", "alpha"})).value();
  creating.signal(SIGINT);
  const auto status = creating.wait(std::chrono::seconds{60});
  ASSERT_THAT(status, Succeeds());
  auto entries = machines_.entries();
  std::ranges::sort(entries);
  if (*status == 0) std::erase(entries, "alpha");
  EXPECT_THAT(entries, testing::ElementsAre("ca", "firmware", "first"));
}

}  // namespace
}  // namespace sealift::emulator
