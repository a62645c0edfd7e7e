// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>

namespace sealift {
namespace {

constexpr std::size_t kOutputLimit = 1U << 20U;

int exit_status_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (auto& text : strings) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const auto same_name = [&](const std::string& other) {
      return other.substr(0, other.find('=') + 1) == text.substr(0, text.find('=') + 1);
    };
    if (std::ranges::none_of(added, same_name)) all.emplace_back(text);
  }
  return all;
}

/// What a child has at which number: posix_spawn's file actions, freed with their owner.
class ChildFiles {
 public:
  ChildFiles() { ::posix_spawn_file_actions_init(&actions_); }
  ChildFiles(const ChildFiles&) = delete;
  ChildFiles& operator=(const ChildFiles&) = delete;
  ~ChildFiles() { ::posix_spawn_file_actions_destroy(&actions_); }

  Status plan(const Command& command) {
    std::map<int, int> ours_of{{0, command.stdin_fd}, {1, command.stdout_fd}, {2, command.stderr_fd}};
    for (const auto& [ours, number] : command.fds) ours_of[number] = ours;
    const int end = ours_of.rbegin()->first + 1;
    for (int number = 0; number < end; ++number) {
      const auto found = ours_of.find(number);
      if (found == ours_of.end()) {
        ::posix_spawn_file_actions_addclose(&actions_, number);
      } else {
        SEALIFT_CHECK(place(found->second, number, end));
      }
    }
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, end);
    return {};
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  /// By way of a number from `end` on: filling one number never overwrites a file that another is filled
  /// from.
  Status place(int ours, int number, int end) {
    if (ours < 0) {
      ::posix_spawn_file_actions_addopen(&actions_, number, "/dev/null", O_RDWR, 0);
      return {};
    }
    UniqueFd lifted{::fcntl(ours, F_DUPFD_CLOEXEC, end)};
    if (!lifted) return fail_errno("pass a file to a process");
    ::posix_spawn_file_actions_adddup2(&actions_, lifted.get(), number);
    lifted_.push_back(std::move(lifted));
    return {};
  }

  posix_spawn_file_actions_t actions_{};
  std::vector<UniqueFd> lifted_;
};

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return fail_errno("pipe");
  return Pipe{UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

/// Reads what is there now; false at the end of the stream.
bool drain(int fd, std::string& into) {
  char buffer[16384];
  const auto got = ::read(fd, buffer, sizeof buffer);
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  const auto room = kOutputLimit - std::min(kOutputLimit, into.size());
  into.append(buffer, std::min<std::size_t>(room, static_cast<std::size_t>(got)));
  return got > 0;
}

/// Writes some of `input`; false when all is written or nobody reads.
bool feed(int fd, ByteView& input) {
  const auto put = ::write(fd, input.data(), input.size());
  if (put < 0) return errno == EINTR || errno == EAGAIN;
  input = input.subspan(static_cast<std::size_t>(put));
  return !input.empty();
}

/// Moves bytes between us and the child until it has closed its outputs.
void exchange_bytes(UniqueFd in, UniqueFd out, UniqueFd err, ByteView input, Output& output) {
  ::fcntl(in.get(), F_SETFL, O_NONBLOCK);
  if (input.empty()) in.reset();
  while (in || out || err) {
    pollfd fds[3] = {{in.get(), POLLOUT, 0}, {out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}};
    if (::poll(fds, 3, -1) < 0 && errno != EINTR) return;
    if (fds[0].revents != 0 && !feed(in.get(), input)) in.reset();
    if (fds[1].revents != 0 && !drain(out.get(), output.out)) out.reset();
    if (fds[2].revents != 0 && !drain(err.get(), output.err)) err.reset();
  }
}

std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text.substr(text.find_last_of('\n') + 1);
}

/// SIGPIPE must not end us when a child stops reading; restored on the way out.
class IgnoreSigpipe {
 public:
  IgnoreSigpipe() { ::sigaction(SIGPIPE, &ignore(), &before_); }
  IgnoreSigpipe(const IgnoreSigpipe&) = delete;
  IgnoreSigpipe& operator=(const IgnoreSigpipe&) = delete;
  ~IgnoreSigpipe() { ::sigaction(SIGPIPE, &before_, nullptr); }

 private:
  static const struct sigaction& ignore() {
    static const struct sigaction action = [] {
      struct sigaction a{};
      a.sa_handler = SIG_IGN;
      return a;
    }();
    return action;
  }
  struct sigaction before_{};
};

}  // namespace

Child::~Child() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Child::signal(int number) const noexcept {
  if (pid_ > 0) ::kill(pid_, number);
}

Result<int> Child::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) return fail_errno("waitpid");
  }
  pid_ = -1;
  return exit_status_of(status);
}

Result<int> Child::wait(std::chrono::milliseconds limit) {
  const UniqueFd ended{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
  if (!ended) return fail_errno("pidfd_open");
  pollfd fd{ended.get(), POLLIN, 0};
  const auto end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    const int got = ::poll(&fd, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (got > 0) return wait();
    if (got == 0)
      return fail(ErrorCode::timeout, fmt::format("process {} still runs after {} ms", pid_, limit.count()));
    if (errno != EINTR) return fail_errno("poll");
  }
}

Result<Child> spawn(const Command& command) {
  auto argv = command.argv;
  auto environment = merged_environment(command.environment);
  ChildFiles files;
  SEALIFT_CHECK(files.plan(command));
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv.front().c_str(), files.get(), nullptr, pointers(argv).data(),
                                   pointers(environment).data());
  if (error == ENOENT) {
    return fail(ErrorCode::dependency_missing, fmt::format("the program {} is not there", argv.front()),
                argv.front());
  }
  if (error != 0) {
    errno = error;
    return fail_errno("start " + argv.front());
  }
  return Child{pid};
}

Result<Output> run(Command command, ByteView input) {
  const IgnoreSigpipe ignore;
  SEALIFT_TRY(auto in, make_pipe());
  SEALIFT_TRY(auto out, make_pipe());
  SEALIFT_TRY(auto err, make_pipe());
  command.stdin_fd = in.read.get();
  command.stdout_fd = out.write.get();
  command.stderr_fd = err.write.get();
  SEALIFT_TRY(auto child, spawn(command));
  in.read.reset();
  out.write.reset();
  err.write.reset();
  Output output;
  exchange_bytes(std::move(in.write), std::move(out.read), std::move(err.read), input, output);
  SEALIFT_TRY(output.exit_status, child.wait());
  return output;
}

Result<Output> run_checked(Command command, ByteView input) {
  const auto program = command.argv.front();
  SEALIFT_TRY(auto output, run(std::move(command), input));
  if (output.exit_status == 0) return output;
  return fail(ErrorCode::io_error,
              fmt::format("{} ended with status {}: {}", program, output.exit_status, last_line(output.err)),
              program, output.err);
}

}  // namespace sealift
