// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/adapters/sandboxed_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace sealift::ultravisor {
namespace {

constexpr std::size_t kMaxFiles = 64;
constexpr int kFirstFree = kMaxFiles;  // where the given files wait while 0, 1, 2, … are filled

struct Failure {
  int step;
  int error;
};
constexpr std::array<const char*, 6> kSteps{"pass files",     "unshare namespaces", "change the user",
                                            "set the limits", "bind to the parent", "execute"};

/// Everything between fork and exec: system calls only, because other threads' locks were copied as they
/// were.
class ChildSetup {
 public:
  ChildSetup(const std::vector<int>& fds, const Identity* become, int report, pid_t parent)
      : fds_{fds}, become_{become}, report_{report}, parent_{parent} {}

  [[noreturn]] void run(char* const* argv, char* const* environment) const {
    pass_files();
    isolate();
    drop_privileges();
    limit();
    bind_to_parent();
    ::execve(argv[0], argv, environment);
    give_up(5);
  }

 private:
  [[noreturn]] void give_up(int step) const {
    const Failure failure{step, errno};
    (void)!::write(report_, &failure, sizeof failure);
    ::_exit(127);
  }
  void pass_files() const {
    const int count = static_cast<int>(fds_.size());
    std::array<int, kMaxFiles> waiting{};
    for (std::size_t i = 0; i < fds_.size(); ++i) {
      // To a number that is free: another of the given files may have any.
      waiting[i] = ::fcntl(fds_[i], F_DUPFD_CLOEXEC, kFirstFree);
      if (waiting[i] < 0) give_up(0);
    }
    for (int i = 0; i < count; ++i) {
      if (::dup2(waiting[static_cast<std::size_t>(i)], i) < 0) give_up(0);
    }
    // The report pipe alone stays open besides, until exec closes it.
    const auto report = static_cast<unsigned>(report_);
    ::syscall(SYS_close_range, static_cast<unsigned>(count), report - 1, 0);
    ::syscall(SYS_close_range, report + 1, ~0U, 0);
  }
  void isolate() const {
    if (become_ != nullptr && ::unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0) give_up(1);
  }
  void drop_privileges() const {
    if (become_ == nullptr) return;
    if (::syscall(SYS_setgroups, 0, nullptr) != 0 ||
        ::syscall(SYS_setresgid, become_->gid, become_->gid, become_->gid) != 0 ||
        ::syscall(SYS_setresuid, become_->uid, become_->uid, become_->uid) != 0) {
      give_up(2);
    }
  }
  void limit() const {
    const rlimit none{0, 0};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::setrlimit(RLIMIT_CORE, &none) != 0) give_up(3);
    sigset_t all;
    ::sigemptyset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
  }
  void bind_to_parent() const {
    // After the change of user, which resets it.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || ::getppid() != parent_) give_up(4);
  }

  const std::vector<int>& fds_;
  const Identity* become_;
  int report_;
  pid_t parent_;
};

Status started(int report, const std::string& program) {
  Failure failure{};
  ssize_t got = -1;
  while ((got = ::read(report, &failure, sizeof failure)) < 0 && errno == EINTR) {
  }
  if (got == 0) return {};
  if (failure.step == 5 && failure.error == ENOENT) {
    return fail(ErrorCode::dependency_missing, fmt::format("the program {} is not there", program), program);
  }
  errno = failure.error;
  return fail_errno(fmt::format("start {}: {}", program, kSteps.at(static_cast<std::size_t>(failure.step))));
}

}  // namespace

Result<Identity> identity_of(const std::string& user) {
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return fail(ErrorCode::not_found, "there is no user " + user);
  return Identity{entry.pw_uid, entry.pw_gid};
}

Result<Child> spawn_sandboxed(const SandboxedCommand& command, const Identity* become) {
  assert(command.fds.size() <= kMaxFiles);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  const UniqueFd report{ends[0]};
  // Above the numbers that the child fills.
  UniqueFd report_write{::fcntl(ends[1], F_DUPFD_CLOEXEC, 2 * kFirstFree)};
  ::close(ends[1]);
  if (!report_write) return fail_errno("fcntl F_DUPFD");

  std::vector<char*> argv;
  for (const auto& word : command.argv)
    argv.push_back(const_cast<char*>(word.c_str()));  // NOLINT: execve only reads
  argv.push_back(nullptr);
  char path[] = "PATH=/usr/bin:/bin";
  char* const environment[] = {path, nullptr};

  const ChildSetup setup{command.fds, become, report_write.get(), ::getpid()};
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("fork");
  if (pid == 0) setup.run(argv.data(), environment);
  Child child{pid};
  report_write.reset();
  SEALIFT_CHECK(started(report.get(), command.argv.front()));
  return child;
}

}  // namespace sealift::ultravisor
