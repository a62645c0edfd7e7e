// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <fcntl.h>
#include <fmt/core.h>
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

/// The numbers of a child's open files, but that of the directory it reads them from.
std::string files_of_child(std::vector<std::pair<int, int>> fds) {
  auto list = command({"sh", "-c", "cd /proc/self/fd && for f in *; do test -e $f && printf '%s ' $f; done"});
  list.fds = std::move(fds);
  return run(std::move(list))->out;
}

TEST(Process, HasTheFilesItWasGivenAndNoOthers) {
  const UniqueFd kept{::open("/dev/null", O_RDONLY)};  // not close-on-exec, as others' libraries open files
  const UniqueFd high{::fcntl(kept.get(), F_DUPFD, 200)};
  ASSERT_TRUE(kept && high);
  EXPECT_EQ(files_of_child({}), "0 1 2 ");
  EXPECT_EQ(files_of_child({{kept.get(), 7}, {high.get(), 5}}), "0 1 2 5 7 ");
}

TEST(Process, GetsFilesWhoseNumbersArePermuted) {
  const auto directory = TemporaryDirectory::create().value();
  std::vector<UniqueFd> files;
  for (const auto* name : {"a", "b", "c"}) {
    ASSERT_THAT(write_file(directory.path() / name, as_bytes(name)), Succeeds());
    files.push_back(open_file(directory.path() / name, O_RDONLY).value());
  }
  const auto number = [&](std::size_t i) { return files[i].get(); };
  auto print =
      command({"sh", "-c", fmt::format("cat <&{}; cat <&{}; cat <&{}", number(0), number(1), number(2))});
  print.fds = {{number(0), number(1)}, {number(1), number(2)}, {number(2), number(0)}};
  print.stdin_fd = number(0);
  EXPECT_EQ(run_checked(print)->out, "cab");
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
