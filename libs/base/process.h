// SPDX-License-Identifier: Apache-2.0
/// Other programs, started without a shell.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"

namespace sealift {

struct Command {
  std::vector<std::string> argv = {};         ///< argv[0] is looked up in PATH
  std::vector<std::string> environment = {};  ///< "NAME=value", added to ours
  std::vector<std::pair<int, int>> fds = {};  ///< {ours, number in the child}; the child has no others
  int stdin_fd = -1;                          ///< -1: /dev/null
  int stdout_fd = -1;                         ///< -1: /dev/null
  int stderr_fd = -1;                         ///< -1: /dev/null
};

struct Output {
  int exit_status = 0;  ///< 128 + signal where a signal ended it
  std::string out;      ///< standard output, at most 1 MiB kept
  std::string err;      ///< standard error, at most 1 MiB kept
};

/// A child process: killed (SIGKILL) and reaped on destruction unless it was waited for or released.
class Child {
 public:
  explicit Child(pid_t pid) noexcept : pid_{pid} {}
  Child(Child&& other) noexcept : pid_{std::exchange(other.pid_, -1)} {}
  Child& operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  pid_t pid() const noexcept { return pid_; }
  /// Waits; `timeout` where it did not end in time (it still runs then).
  Result<int> wait(std::chrono::milliseconds limit);
  Result<int> wait();
  void signal(int number) const noexcept;
  /// Let it live on; returns its id.
  pid_t release() noexcept { return std::exchange(pid_, -1); }

 private:
  pid_t pid_ = -1;
};

/// Starts it. dependency_missing, naming the program, where there is no such program.
Result<Child> spawn(const Command& command);
/// Runs it to its end, feeding `input` to its standard input and collecting both outputs.
Result<Output> run(Command command, ByteView input = {});
/// run(), and an error that shows the last line of stderr where the exit status is not 0.
Result<Output> run_checked(Command command, ByteView input = {});

}  // namespace sealift
