// SPDX-License-Identifier: Apache-2.0
/// What every ultravisor is told when it starts: by its command line, and by the firmware's last stage.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>

#include "base/file.h"
#include "services/ultravisor/adapters/sandboxed_process.h"
#include "tee/approval_files.h"
#include "tpm/profile.h"

namespace sealift::ultravisor {

struct StartupOptions {
  std::string tcti;
  int boot_password_fd = -1;
  std::filesystem::path event_log;
  std::filesystem::path socket;
  std::filesystem::path approvals;
  std::string run_as = "nobody";
};
void declare_startup(CLI::App& app, StartupOptions& options);

using BootPassword = Secret<tpm::kBootPasswordSize>;
/// The next password in the pipe of the firmware's last stage, which gives this boot's first. None where the
/// pipe ends; truncated where it ends within one.
Result<std::optional<BootPassword>> read_password(int fd);
/// The same, where there must be one.
Result<BootPassword> read_boot_password(int fd);

/// Of whom QEMU is to be; none where this is not root, and so cannot become anybody.
Result<std::optional<Identity>> guests_identity(const StartupOptions& options);

/// On standard error: a file among the approvals that does not hold.
void print_rejected(const tee::RejectedFile& file);

}  // namespace sealift::ultravisor
