// SPDX-License-Identifier: Apache-2.0
/// sealift-pef-ultravisor: stands in for the Protected Execution Ultravisor of a POWER9 that does not exist.
/// It decides as the firmware does, on the same library as sealift-ultravisor; it isolates nothing.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/hardening.h"
#include "emulator/pef/launcher.h"
#include "services/ultravisor/adapters/server.h"
#include "services/ultravisor/adapters/startup.h"
#include "tee/tpm_lockbox_opener.h"
#include "tee/tpm_seal_opener.h"

namespace sealift::pef {
namespace {

struct Options {
  std::string tcti;
  int boot_password_fd = -1;
  std::filesystem::path event_log;
  std::filesystem::path socket;
  std::filesystem::path approvals;
  std::string run_as = "nobody";
  std::filesystem::path slof;
  QemuOptions qemu;
};

void declare(CLI::App& app, Options& options) {
  app.add_option("--tpm", options.tcti, "TCTI of the TPM: swtpm:path=SOCKET")->required();
  app.add_option("--boot-password-fd", options.boot_password_fd,
                 "descriptor to read from: this boot's password, then the wrapping key's if PEF is on")
      ->required();
  app.add_option("--event-log", options.event_log, "this boot's TCG event log, to explain refusals")
      ->required();
  app.add_option("--socket", options.socket, "unix socket for the host agent")->required();
  app.add_option("--approvals", options.approvals,
                 "directory of *.approval and *.withdrawal, for a machine that is bound to an approver");
  app.add_option("--run-as", options.run_as, "the user QEMU runs as, where this runs as root")
      ->capture_default_str();
  app.add_option("--qemu", options.qemu.program, "the QEMU to start")->capture_default_str();
  app.add_option("--slof", options.slof, "firmware for its guests (default: QEMU's own)");
  app.footer(
      "Example:\n  sealift-pef-ultravisor --tpm swtpm:path=tpm.sock --boot-password-fd 3 --event-log "
      "event.log \\\n"
      "    --socket ultravisor.sock");
}

/// None where the firmware gave none.
Result<tee::TpmLockboxOpener::Password> read_wrapping_password(int fd) {
  auto password = ultravisor::read_boot_password(fd);
  if (password) return tee::TpmLockboxOpener::Password{*std::move(password)};
  if (password.error().code == ErrorCode::truncated) return std::nullopt;
  return tl::unexpected(std::move(password).error());
}

Status run(Options options) {
  SEALIFT_CHECK(harden_process());
  SEALIFT_TRY(const auto stop, ultravisor::stop_signals());
  const UniqueFd passwords{options.boot_password_fd};
  SEALIFT_TRY(auto boot_password, ultravisor::read_boot_password(passwords.get()));
  SEALIFT_TRY(auto wrapping_password, read_wrapping_password(passwords.get()));
  const auto& profile = tpm::firmware_profile();
  SEALIFT_TRY(const auto pcrs, tpm::PcrSelection::parse(profile.pcrs));
  if (!options.slof.empty()) {
    SEALIFT_TRY(auto slof, open_file(options.slof, O_RDONLY));
    options.qemu.firmware = std::make_shared<const UniqueFd>(std::move(slof));
  }
  if (::geteuid() == 0) {
    SEALIFT_TRY(options.qemu.run_as, ultravisor::identity_of(options.run_as));
  }
  SEALIFT_TRY(const auto opener, tee::TpmSealOpener::create(options.tcti, profile, pcrs,
                                                            std::move(boot_password), options.approvals));
  SEALIFT_TRY(const auto lockboxes,
              tee::TpmLockboxOpener::create(options.tcti, std::move(wrapping_password)));
  PefLauncher launcher{{*opener, *lockboxes}, options.qemu, options.event_log};
  ultravisor::Server server{launcher};
  return server.serve(options.socket, stop.get());
}

}  // namespace
}  // namespace sealift::pef

int main(int argc, char** argv) {
  using namespace sealift;
  pef::Options options;
  CLI::App app{
      "An emulated Protected Execution Ultravisor: lets guests that ask for it enter secure mode, or ends "
      "them."};
  pef::declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ErrorKind::usage);
  }
  const auto status = pef::run(std::move(options));
  if (status) return 0;
  const auto& error = status.error();
  fmt::print(stderr, "sealift-pef-ultravisor: {}: {}. {}\n", name(error.code), error.message,
             remedy(error.code));
  return static_cast<int>(kind(error.code));
}
