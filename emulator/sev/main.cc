// SPDX-License-Identifier: Apache-2.0
/// sealift-emulated-sev-qemu: QEMU as on a machine with AMD SEV. It takes the command line of an SEV guest
/// and $SEALIFT_EMULATED_PSP, the chip's directory; it becomes QEMU under TCG, and leaves behind a process
/// that is the PSP and a QMP socket in front of QEMU's, until QEMU ends.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "emulator/machine/unix_socket.h"
#include "emulator/sev/qmp_proxy.h"

namespace sealift::emulator {
namespace {

constexpr const char* kQemu = "qemu-system-x86_64";

int say(const Error& error) {
  fmt::print(stderr, "{}: {}\n", kQemu, error.message);
  return 1;
}

Result<Platform*> power_on() {
  const char* const chip = std::getenv("SEALIFT_EMULATED_PSP");
  if (chip == nullptr || *chip == '\0')
    return fail(ErrorCode::invalid_argument, "SEALIFT_EMULATED_PSP names no chip's directory");
  SEALIFT_TRY(auto identity, Identity::open(chip));
  static Platform platform{std::move(identity)};
  if (platform.init() != PspStatus::success) return fail(ErrorCode::internal, "the PSP is on already");
  return &platform;
}

/// Nothing of QEMU's stays open here: who waits for its console's end waits for all who have it.
void close_all_but(std::initializer_list<int> kept) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) ::dup2(null, fd);
  int first = 3;
  for (const int fd : kept) {  // in rising order
    if (fd > first) ::syscall(SYS_close_range, first, fd - 1, 0);
    first = fd + 1;
  }
  ::syscall(SYS_close_range, first, ~0U, 0);
}

/// A process of its own, nobody's child, that serves until this one, as QEMU, ends.
Status leave_behind(const std::function<void()>& serve) {
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("fork");
  if (child > 0) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return {};
  }
  if (::fork() == 0) serve();
  std::_Exit(0);
}

Status become(const std::vector<std::string>& arguments) {
  std::vector<char*> argv{const_cast<char*>(kQemu)};
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execvp(kQemu, argv.data());
  return fail_errno(std::string{"start "} + kQemu);
}

Status run(const std::vector<std::string>& arguments) {
  SEALIFT_TRY(auto* const platform, power_on());
  SEALIFT_TRY(const auto vm, parse_vm(arguments));
  std::optional<Launch> launched;
  std::optional<GuestMemory> memory;
  if (vm.sev) {
    SEALIFT_TRY(launched, launch(*platform, vm));
    SEALIFT_TRY(auto made, GuestMemory::create(vm.memory));
    memory.emplace(std::move(made));
    ::fcntl(memory->fd(), F_SETFD, 0);
  }
  SEALIFT_TRY(auto directory, TemporaryDirectory::create("sealift-sev"));
  const auto socket = directory.path() / "qmp";
  SEALIFT_TRY(const auto listener, listen_at(vm.qmp, SocketKind::stream));
  const UniqueFd qemu{static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))};
  if (!qemu) return fail_errno("pidfd_open");
  SEALIFT_CHECK(leave_behind([&] {
    std::vector<int> kept{listener.get(), qemu.get()};
    close_all_but({std::min(kept[0], kept[1]), std::max(kept[0], kept[1])});
    SevCommands commands{*platform, launched ? &*launched : nullptr, memory ? &*memory : nullptr};
    (void)serve_qmp(listener.get(), socket, qemu.get(), commands);
    std::error_code ignored;
    std::filesystem::remove_all(directory.path(), ignored);
    std::_Exit(0);
  }));
  auto failed = become(tcg_arguments(vm, socket, memory ? memory->fd() : -1));
  return failed;
}

}  // namespace
}  // namespace sealift::emulator

int main(int argc, char** argv) {
  const auto done = sealift::emulator::run({argv + 1, argv + argc});
  return done ? 0 : sealift::emulator::say(done.error());
}
