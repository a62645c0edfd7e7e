// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/adapters/startup.h"

#include <fmt/core.h>

#include <unistd.h>

#include <cerrno>

namespace sealift::ultravisor {

void declare_startup(CLI::App& app, StartupOptions& options) {
  app.add_option("--tpm", options.tcti, "TCTI of the TPM: device:/dev/tpmrm0, swtpm:path=SOCKET")->required();
  app.add_option("--boot-password-fd", options.boot_password_fd,
                 "descriptor to read this boot's password from; behind it, on a pef host, the wrapping key's")
      ->required();
  app.add_option("--event-log", options.event_log, "this boot's TCG event log, to explain refusals")
      ->required();
  app.add_option("--socket", options.socket, "unix socket for the host agent")->required();
  app.add_option("--approvals", options.approvals,
                 "directory of *.approval and *.withdrawal, for a machine that is bound to an approver");
  app.add_option("--run-as", options.run_as, "the user QEMU runs as, where this runs as root")
      ->capture_default_str();
}

Result<std::optional<BootPassword>> read_password(int fd) {
  SecretBytes bytes{tpm::kBootPasswordSize};
  const auto room = bytes.expose_for_writing();
  std::size_t done = 0;
  while (done < room.size()) {
    const auto got = ::read(fd, room.data() + done, room.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read a password from --boot-password-fd");
    if (got == 0 && done == 0) return std::optional<BootPassword>{};
    if (got == 0) return fail(ErrorCode::truncated, "a password ends early", "boot-password-fd");
    done += static_cast<std::size_t>(got);
  }
  return BootPassword{room.first<tpm::kBootPasswordSize>()};
}

Result<BootPassword> read_boot_password(int fd) {
  SEALIFT_TRY(auto password, read_password(fd));
  if (password) return *std::move(password);
  return fail(ErrorCode::truncated, "this boot's password is missing", "boot-password-fd");
}

Result<std::optional<Identity>> guests_identity(const StartupOptions& options) {
  if (::geteuid() != 0) return std::optional<Identity>{};
  SEALIFT_TRY(const auto identity, identity_of(options.run_as));
  return std::optional{identity};
}

void print_rejected(const tee::RejectedFile& file) {
  fmt::print(stderr, "among the approvals {} does not hold\n", file.text());
}

}  // namespace sealift::ultravisor
