// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/process_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdint>
#include <string>

#include "base/file.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kFileLimit = 4096;
constexpr std::chrono::seconds kKillLimit{5};

struct ProcessId {
  pid_t pid;
  std::uint64_t start_time;  ///< in clock ticks since the machine's boot
};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The `index`th word of `text`, from 0.
std::string_view word(std::string_view text, std::size_t index) {
  for (; index > 0; --index) {
    const auto space = text.find(' ');
    if (space == std::string_view::npos) return {};
    text.remove_prefix(space + 1);
  }
  return text.substr(0, text.find_first_of(" \n"));
}

struct ProcessState {
  char state;                ///< as proc(5) names it: 'Z' where it has ended and waits to be reaped
  std::uint64_t start_time;  ///< in clock ticks since the machine's boot
};

std::optional<ProcessState> process_state(pid_t pid) {
  const auto stat = read_file(fmt::format("/proc/{}/stat", pid), kFileLimit);
  if (!stat) return std::nullopt;
  auto text = as_text(*stat);
  const auto name_end = text.rfind(") ");  // proc(5): the name may hold spaces and parentheses
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 2);
  const auto started = number(word(text, 19));  // field 22
  if (text.empty() || !started) return std::nullopt;
  return ProcessState{text.front(), *started};
}

/// When `pid` started; none where there is no such process or it has ended.
std::optional<std::uint64_t> start_time(pid_t pid) {
  const auto process = process_state(pid);
  if (!process || process->state == 'Z' || process->state == 'X') return std::nullopt;
  return process->start_time;
}

std::optional<ProcessId> read_process_file(const fs::path& file) {
  const auto bytes = read_file(file, kFileLimit);
  if (!bytes) return std::nullopt;
  const auto pid = number(word(as_text(*bytes), 0));
  const auto started = number(word(as_text(*bytes), 1));
  if (!pid || !started || *pid < 2 || *pid > INT32_MAX) return std::nullopt;
  return ProcessId{static_cast<pid_t>(*pid), *started};
}

/// A descriptor of exactly that process; none where it is gone. Signals through it cannot reach another.
UniqueFd open_process(const ProcessId& process) {
  UniqueFd fd{static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0))};
  if (!fd || start_time(process.pid) != process.start_time) return UniqueFd{};
  return fd;
}

bool ended_within(const UniqueFd& process, std::chrono::milliseconds limit) {
  pollfd fd{process.get(), POLLIN, 0};
  const auto end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    const int got = ::poll(&fd, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (got >= 0 || errno != EINTR) return got > 0;
  }
}

Status send(const UniqueFd& process, int signal) {
  if (::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) == 0 || errno == ESRCH) return {};
  return fail_errno("end a process");
}

}  // namespace

Status write_process_file(const fs::path& file, pid_t pid) {
  const auto process = process_state(pid);  // a child that has ended at once has a start time still
  if (!process) return fail(ErrorCode::unavailable, fmt::format("there is no process {}", pid));
  const auto text = fmt::format("{} {}\n", pid, process->start_time);
  SEALIFT_TRY(const auto fd, open_file(file, O_WRONLY | O_CREAT | O_TRUNC));
  return write_all(fd.get(), as_bytes(text));
}

std::optional<pid_t> running_process(const fs::path& file) {
  const auto process = read_process_file(file);
  if (!process || start_time(process->pid) != process->start_time) return std::nullopt;
  return process->pid;
}

Status end_process(const fs::path& file, std::chrono::milliseconds grace) {
  if (const auto process = read_process_file(file)) {
    if (const auto fd = open_process(*process)) {
      SEALIFT_CHECK(send(fd, SIGTERM));
      if (!ended_within(fd, grace)) {
        SEALIFT_CHECK(send(fd, SIGKILL));
        if (!ended_within(fd, kKillLimit)) {
          return fail(ErrorCode::timeout, fmt::format("process {} does not end", process->pid));
        }
      }
      ::waitpid(process->pid, nullptr, WNOHANG);  // where it was our own child
    }
  }
  std::error_code ignored;
  fs::remove(file, ignored);
  return {};
}

}  // namespace sealift::emulator
