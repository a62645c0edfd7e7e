// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/ultravisor.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "base/process.h"
#include "emulator/machine/process_file.h"
#include "emulator/machine/unix_socket.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kPasswordFd = 3;
constexpr milliseconds kGrace{5000};  // it ends its guests and wipes
constexpr milliseconds kGlance{2};    // how long it may take to see that the socket answers
constexpr std::size_t kLogLimit = 1U << 20U;

/// A pipe with the passwords in it and nobody to write more: read once, they are gone.
Result<UniqueFd> password_pipe(const Passwords& passwords) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  UniqueFd reading{ends[0]};
  const UniqueFd writing{ends[1]};
  SEALIFT_CHECK(write_all(writing.get(), passwords.boot.expose()));
  if (passwords.wrapping_key) SEALIFT_CHECK(write_all(writing.get(), passwords.wrapping_key->expose()));
  return reading;
}

std::string last_line_of(const fs::path& log) {
  const auto bytes = read_file(log, kLogLimit);
  if (!bytes) return {};
  auto text = std::string{as_text(*bytes)};
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.find_last_of('\n') + 1);
}

Status wait_until_it_answers(const Machine& machine, Child& process, milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  while (!connect_to(machine.ultravisor_socket(), SocketKind::packets)) {
    if (const auto status = process.wait(kGlance)) {
      return fail(ErrorCode::unavailable,
                  fmt::format("the ultravisor ended with status {}: {}", *status,
                              last_line_of(machine.log("ultravisor"))),
                  "ultravisor");
    }
    if (steady_clock::now() > deadline) {
      return fail(ErrorCode::timeout,
                  fmt::format("the ultravisor's socket does not answer after {} ms", limit.count()),
                  "ultravisor");
    }
  }
  return {};
}

}  // namespace

Status start_ultravisor(const Machine& machine, const BootOptions& options, const Passwords& passwords) {
  SEALIFT_TRY(const auto password, password_pipe(passwords));
  SEALIFT_TRY(const auto log, open_file(machine.log("ultravisor"), O_WRONLY | O_CREAT | O_TRUNC));
  Command command;
  command.argv = {"setsid",
                  options.ultravisor.native(),
                  "--tpm",
                  machine.tcti(),
                  "--boot-password-fd",
                  fmt::format("{}", kPasswordFd),
                  "--event-log",
                  machine.event_log().native(),
                  "--socket",
                  machine.ultravisor_socket().native(),
                  "--approvals",
                  machine.approvals().native()};
  if (!options.run_as.empty()) command.argv.insert(command.argv.end(), {"--run-as", options.run_as});
  if (!options.slof.empty()) command.argv.insert(command.argv.end(), {"--slof", options.slof});
  command.fds = {{password.get(), kPasswordFd}};
  command.stdout_fd = log.get();
  command.stderr_fd = log.get();
  SEALIFT_TRY(auto process, spawn(command));
  SEALIFT_CHECK(write_process_file(machine.ultravisor_process(), process.pid()));
  SEALIFT_CHECK(wait_until_it_answers(machine, process, options.ultravisor_limit));
  process.release();
  return {};
}

Status end_ultravisor(const Machine& machine) {
  SEALIFT_CHECK(end_process(machine.ultravisor_process(), kGrace));
  ::unlink(machine.ultravisor_socket().c_str());
  return {};
}

}  // namespace sealift::emulator
