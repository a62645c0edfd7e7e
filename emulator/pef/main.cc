// SPDX-License-Identifier: Apache-2.0
/// sealift-pef-ultravisor: stands in for the Protected Execution Ultravisor of a POWER9 that does not exist.
/// It decides as the firmware does, on the same library as sealift-ultravisor; it isolates nothing.
#include <fcntl.h>

#include "base/hardening.h"
#include "emulator/pef/launcher.h"
#include "program/program.h"
#include "program/stop_signals.h"
#include "services/ultravisor/adapters/server.h"
#include "services/ultravisor/adapters/startup.h"
#include "tee/tpm_lockbox_opener.h"
#include "tee/tpm_seal_opener.h"

namespace sealift::pef {
namespace {

struct Options {
  ultravisor::StartupOptions startup;
  std::filesystem::path slof;
  QemuOptions qemu;
};

void declare(CLI::App& app, Options& options) {
  ultravisor::declare_startup(app, options.startup);
  app.add_option("--qemu", options.qemu.program, "the QEMU to start")->capture_default_str();
  app.add_option("--slof", options.slof, "firmware for its guests (default: QEMU's own)");
  app.footer(
      "Example:\n  sealift-pef-ultravisor --tpm swtpm:path=tpm.sock --boot-password-fd 3 --event-log "
      "event.log \\\n"
      "    --socket ultravisor.sock");
}

Status run(Options& options) {
  SEALIFT_CHECK(harden_process());
  SEALIFT_TRY(const auto stop, stop_signals());
  const auto& startup = options.startup;
  const UniqueFd passwords{startup.boot_password_fd};
  SEALIFT_TRY(auto boot_password, ultravisor::read_boot_password(passwords.get()));
  // None where the firmware leaves PEF off.
  SEALIFT_TRY(auto wrapping_password, ultravisor::read_password(passwords.get()));
  const auto& profile = tpm::firmware_profile();
  SEALIFT_TRY(const auto pcrs, tpm::PcrSelection::parse(profile.pcrs));
  if (!options.slof.empty()) {
    SEALIFT_TRY(auto slof, open_file(options.slof, O_RDONLY));
    options.qemu.firmware = std::make_shared<const UniqueFd>(std::move(slof));
  }
  SEALIFT_TRY(options.qemu.run_as, ultravisor::guests_identity(startup));
  SEALIFT_TRY(const auto opener,
              tee::TpmSealOpener::create(startup.tcti, profile, pcrs, std::move(boot_password),
                                         startup.approvals, ultravisor::print_rejected));
  SEALIFT_TRY(const auto lockboxes,
              tee::TpmLockboxOpener::create(startup.tcti, std::move(wrapping_password)));
  PefLauncher launcher{{*opener, *lockboxes}, options.qemu, {startup.event_log, startup.approvals}};
  ultravisor::Server server{launcher};
  return server.serve(startup.socket, stop.get());
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
  return run_program(app, "sealift-pef-ultravisor", argc, argv, [&options] { return pef::run(options); });
}
