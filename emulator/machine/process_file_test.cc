// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/process_file.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/matchers.h"
#include "base/process.h"
#include "emulator/machine/machines_for_test.h"

namespace sealift::emulator {
namespace {

using std::chrono::milliseconds;

class ProcessFile : public testing::Test {
 protected:
  const TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  const std::filesystem::path file_ = directory_.path() / "some.pid";
};

TEST_F(ProcessFile, RemembersAProcessThatRuns) {
  ASSERT_THAT(write_process_file(file_, ::getpid()), Succeeds());
  EXPECT_EQ(running_process(file_), ::getpid());
}

TEST_F(ProcessFile, EndsTheProcessItRemembers) {
  auto child = spawn(program({"cat", "/dev/zero"})).value();
  ASSERT_THAT(write_process_file(file_, child.pid()), Succeeds());
  const auto pid = child.release();
  ASSERT_THAT(end_process(file_, milliseconds{5000}), Succeeds());
  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(ProcessFile, EndsAProcessThatIgnoresTheFriendlyWay) {
  auto child = spawn(program({"sh", "-c", "trap '' TERM; exec cat /dev/zero"})).value();
  ASSERT_THAT(write_process_file(file_, child.pid()), Succeeds());
  const auto pid = child.release();
  ASSERT_THAT(end_process(file_, milliseconds{20}), Succeeds());
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(ProcessFile, DoesNotTakeAProcessOfTheSameNumberForIt) {
  for (const auto& text :
       {std::to_string(::getpid()) + " 1\n", std::to_string(::getpid()) + "\n", std::string{"1 1"},
        std::string{"-1 1"}, std::string{"0 0"}, std::string{"99999999999999999999 1"}, std::string{}}) {
    ASSERT_THAT(write_file(file_, as_bytes(text)), Succeeds());
    EXPECT_FALSE(running_process(file_)) << text;
    EXPECT_THAT(end_process(file_, milliseconds{0}), Succeeds()) << text;
  }
}

TEST_F(ProcessFile, TakesAProcessThatOnlyWaitsToBeReapedForEnded) {
  auto child = spawn(program({"true"})).value();
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_THAT(write_process_file(file_, child.pid()), Succeeds());  // a child may end before it is noted
  EXPECT_FALSE(running_process(file_));
  ASSERT_TRUE(child.wait());
}

}  // namespace
}  // namespace sealift::emulator
