// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <gtest/gtest.h>

#include <csignal>

#include "base/matchers.h"

namespace sealift {
namespace {

Command command(std::vector<std::string> argv) {
  Command result;
  result.argv = std::move(argv);
  return result;
}

TEST(Process, IsFedAndHeardWithoutDeadlockWhateverTheSize) {
  const Bytes input(900'000, 'x');
  const auto output = run(command({"cat"}), input);
  ASSERT_THAT(output, Succeeds());
  EXPECT_EQ(output->out.size(), input.size());
  EXPECT_EQ(output->exit_status, 0);
}

TEST(Process, ThatDoesNotReadItsInputDoesNotEndUs) {
  EXPECT_EQ(run(command({"true"}), Bytes(900'000))->exit_status, 0);
}

TEST(Process, ThatIsNotThereIsNamed) {
  const auto output = run(command({"no-such-program-here"}));
  EXPECT_THAT(output, FailsAt(ErrorCode::dependency_missing, "no-such-program-here"));
}

TEST(Process, SaysItsLastWordsWhenItFails) {
  const auto output = run_checked(command({"sh", "-c", "echo one >&2; echo two >&2; exit 5"}));
  ASSERT_THAT(output, FailsWith(ErrorCode::io_error));
  EXPECT_NE(output.error().message.find("status 5: two"), std::string::npos);
}

TEST(Process, SeesTheVariablesItWasGivenInPlaceOfOurs) {
  auto print = command({"sh", "-c", "echo $HOME"});
  print.environment = {"HOME=/nowhere"};
  EXPECT_EQ(run(print)->out, "/nowhere\n");
}

TEST(Process, ThatRunsTooLongIsReportedAndCanBeEnded) {
  auto child = spawn(command({"sleep", "1000"})).value();
  EXPECT_THAT(child.wait(std::chrono::milliseconds{10}), FailsWith(ErrorCode::timeout));
  child.signal(SIGTERM);
  EXPECT_EQ(*child.wait(), 128 + SIGTERM);
}

TEST(Process, IsKilledWithItsOwner) {
  pid_t pid = -1;
  {
    pid = spawn(command({"sleep", "1000"}))->pid();
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

}  // namespace
}  // namespace sealift
