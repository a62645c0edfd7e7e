// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/swtpm.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "emulator/machine/process_file.h"
#include "emulator/machine/unix_socket.h"
#include "tpm/commands.h"
#include "tpm/response_code.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr int kServerFd = 10;
constexpr int kControlFd = 11;
constexpr milliseconds kGrace{2000};
constexpr std::uint32_t kControlShutdown = 3;  // CMD_SHUTDOWN of swtpm's control channel

/// The wire between us and a TPM on the workbench.
class SocketChannel final : public tpm::Channel {
 public:
  explicit SocketChannel(UniqueFd fd) noexcept : fd_{std::move(fd)} {}

  Status send(ByteView command) override {
    while (!command.empty()) {
      const auto put = ::send(fd_.get(), command.data(), command.size(), MSG_NOSIGNAL);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return lost();
      command = command.subspan(static_cast<std::size_t>(put));
    }
    return {};
  }

  Result<SecretBytes> receive() override {
    SecretBytes frame{tpm::kMaxFrame};
    const auto out = frame.expose_for_writing();
    SEALIFT_CHECK(fill(out.first(kHeader)));
    ByteReader header{ByteView{out}.subspan(2, 4)};
    SEALIFT_TRY(const auto size, header.be32());
    if (size < kHeader || size > tpm::kMaxFrame)
      return fail(ErrorCode::malformed, "the TPM's response has no size");
    SEALIFT_CHECK(fill(out.subspan(kHeader, size - kHeader)));
    frame.shrink(size);
    return frame;
  }

  Status reopen() override { return lost(); }

 private:
  static constexpr std::size_t kHeader = 10;

  static Status lost() { return fail(ErrorCode::tpm_unavailable, "the TPM on the workbench has ended"); }

  Status fill(std::span<std::uint8_t> out) {
    while (!out.empty()) {
      const auto got = ::recv(fd_.get(), out.data(), out.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return lost();
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

  UniqueFd fd_;
};

std::vector<std::string> swtpm_arguments(const fs::path& state) {
  return {"swtpm",   "socket",       "--tpm2", "--tpmstate", fmt::format("dir={},mode=0600", state.native()),
          "--flags", "not-need-init"};
}

/// Any answer will do: before TPM2_Startup it is a refusal.
Status wait_until_it_answers(tpm::Tpm& tpm) {
  const auto answer = tpm::get_random(tpm, 8);
  if (answer || tpm::is_rc(answer.error(), "TPM_RC_INITIALIZE")) return {};
  return tl::unexpected(answer.error());
}

/// Asks a swtpm that nobody remembers to end, and waits until it closes the connection.
void shut_down_orphan(const Machine& machine) {
  const auto control = connect_to(machine.tpm_control_socket(), SocketKind::stream);
  if (!control) return;
  const timeval limit{kGrace.count() / 1000, 0};
  ::setsockopt(control->get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ByteWriter command;
  command.be32(kControlShutdown);
  char byte = 0;
  if (::send(control->get(), command.view().data(), command.view().size(), MSG_NOSIGNAL) < 0) return;
  while (::recv(control->get(), &byte, 1, 0) > 0) continue;
}

}  // namespace

Status power_on_tpm(const Machine& machine) {
  SEALIFT_TRY(const auto server, listen_at(machine.tpm_socket(), SocketKind::stream));
  SEALIFT_TRY(const auto control, listen_at(machine.tpm_control_socket(), SocketKind::stream));
  SEALIFT_TRY(const auto log, open_file(machine.log("swtpm"), O_WRONLY | O_CREAT | O_TRUNC));
  Command command;
  command.argv = swtpm_arguments(machine.tpm_state());
  command.argv.insert(command.argv.begin(), "setsid");  // it outlives us and our terminal
  command.argv.insert(command.argv.end(), {"--server", fmt::format("type=unixio,fd={}", kServerFd), "--ctrl",
                                           fmt::format("type=unixio,fd={}", kControlFd)});
  command.fds = {{server.get(), kServerFd}, {control.get(), kControlFd}};
  command.stdout_fd = log.get();
  command.stderr_fd = log.get();
  SEALIFT_TRY(auto process, spawn(command));
  SEALIFT_CHECK(write_process_file(machine.tpm_process(), process.pid()));
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(machine.tcti()));
  SEALIFT_CHECK(wait_until_it_answers(tpm));
  process.release();
  return {};
}

Status power_off_tpm(const Machine& machine) {
  SEALIFT_CHECK(end_process(machine.tpm_process(), kGrace));
  shut_down_orphan(machine);
  ::unlink(machine.tpm_socket().c_str());
  ::unlink(machine.tpm_control_socket().c_str());
  return {};
}

Result<WorkbenchTpm> WorkbenchTpm::start(const fs::path& state) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socketpair");
  UniqueFd ours{ends[0]};
  const UniqueFd theirs{ends[1]};
  Command command;
  command.argv = swtpm_arguments(state);
  command.argv.insert(command.argv.end(), {"--fd", fmt::format("{}", kServerFd)});
  command.fds = {{theirs.get(), kServerFd}};
  SEALIFT_TRY(auto process, spawn(command));
  auto tpm = std::make_unique<tpm::Tpm>(std::make_unique<SocketChannel>(std::move(ours)));
  WorkbenchTpm started{std::move(process), std::move(tpm)};
  SEALIFT_CHECK(wait_until_it_answers(started.tpm()));
  return started;
}

Status WorkbenchTpm::finish() {
  SEALIFT_CHECK(tpm::shutdown(*tpm_, tpm::StartupType::clear));
  tpm_.reset();
  SEALIFT_TRY(const auto status, process_.wait(kGrace));
  if (status != 0) return fail(ErrorCode::io_error, fmt::format("swtpm ended with status {}", status));
  return {};
}

}  // namespace sealift::emulator
