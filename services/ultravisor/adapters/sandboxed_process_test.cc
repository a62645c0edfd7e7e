// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/adapters/sandboxed_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/matchers.h"

namespace sealift::ultravisor {
namespace {

/// What a shell script prints in the sandbox.
std::string output_of(const std::string& script, const Identity* become) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read_end{ends[0]};
  UniqueFd write_end{ends[1]};
  const auto null = open_file("/dev/null", O_RDONLY).value();
  auto child =
      spawn_sandboxed({{"/bin/sh", "-c", script}, {null.get(), write_end.get(), write_end.get()}}, become);
  EXPECT_THAT(child, Succeeds());
  write_end.reset();
  const auto bytes = read_all(read_end.get(), 1U << 16U).value();
  EXPECT_EQ(child->wait().value(), 0);
  return std::string{as_text(bytes)};
}

TEST(SandboxedProcess, HasNoOtherFilesThanThoseGiven) {
  const auto leaked = open_file("/dev/null", O_RDONLY).value();
  ASSERT_EQ(::fcntl(leaked.get(), F_SETFD, 0), 0);
  EXPECT_EQ(output_of("ls /proc/$$/fd; true", nullptr), "0\n1\n2\n");
}

// As in a process with many guests: the files have any numbers, those that others wait at among them.
TEST(SandboxedProcess, HasTheFilesGivenWhateverTheirNumbers) {
  const auto null = open_file("/dev/null", O_RDONLY).value();
  for (int number = 60; number < 140; ++number) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd read_end{ends[0]};
    UniqueFd write_end{::fcntl(ends[1], F_DUPFD_CLOEXEC, number)};
    ::close(ends[1]);
    ASSERT_EQ(write_end.get(), number);
    auto child = spawn_sandboxed(
        {{"/bin/sh", "-c", "echo it is mine"}, {null.get(), write_end.get(), null.get()}}, nullptr);
    ASSERT_THAT(child, Succeeds());
    write_end.reset();
    EXPECT_EQ(as_text(read_all(read_end.get(), 100).value()), "it is mine\n") << number;
    EXPECT_EQ(child->wait().value(), 0);
  }
}

TEST(SandboxedProcess, CanNeitherDumpCoreNorGainPrivileges) {
  const auto output = output_of("ulimit -c; grep NoNewPrivs /proc/self/status", nullptr);
  EXPECT_EQ(output, "0\nNoNewPrivs:\t1\n");
}

TEST(SandboxedProcess, OfRootIsAnotherUserWithoutANetwork) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  const auto nobody = identity_of("nobody").value();
  const auto output =
      output_of("id -u; id -G; grep -c : /proc/net/dev; grep CapEff /proc/self/status", &nobody);
  EXPECT_EQ(output, std::to_string(nobody.uid) + "\n" + std::to_string(nobody.gid) +
                        "\n1\nCapEff:\t0000000000000000\n")
      << "one interface: its own loopback";
}

TEST(SandboxedProcess, ThatIsNotThereIsNamed) {
  const auto null = open_file("/dev/null", O_RDWR).value();
  EXPECT_THAT(spawn_sandboxed({{"/no/such/program"}, {null.get(), null.get(), null.get()}}, nullptr),
              FailsAt(ErrorCode::dependency_missing, "/no/such/program"));
}

TEST(SandboxedProcess, OfAnUnknownUserIsRefused) {
  EXPECT_THAT(identity_of("no-such-user"), FailsWith(ErrorCode::not_found));
}

}  // namespace
}  // namespace sealift::ultravisor
