// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/adapters/startup.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace sealift::ultravisor {

Result<Secret<tpm::kBootPasswordSize>> read_boot_password(int fd) {
  std::array<std::uint8_t, tpm::kBootPasswordSize> bytes{};
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto got = ::read(fd, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read the boot password");
    if (got == 0) return fail(ErrorCode::truncated, "the boot password ends early", "boot-password-fd");
    done += static_cast<std::size_t>(got);
  }
  return Secret<tpm::kBootPasswordSize>{std::span<std::uint8_t, tpm::kBootPasswordSize>{bytes}};
}

Result<UniqueFd> stop_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  UniqueFd fd{::signalfd(-1, &signals, SFD_CLOEXEC)};
  if (!fd) return fail_errno("signalfd");
  return fd;
}

}  // namespace sealift::ultravisor
