// SPDX-License-Identifier: Apache-2.0
/// sealift-ultravisor: the trusted component of a measured host. The firmware's last stage starts it and
/// gives it, and nobody else, this boot's password.
#include "base/hardening.h"
#include "program/program.h"
#include "program/stop_signals.h"
#include "services/ultravisor/adapters/qemu.h"
#include "services/ultravisor/adapters/server.h"
#include "services/ultravisor/adapters/startup.h"
#include "tee/tpm_seal_opener.h"

namespace sealift::ultravisor {
namespace {

struct Options {
  StartupOptions startup;
  std::string profile = "firmware";
  std::string pcrs;
  std::uint64_t kept_mib = KeptComponents::kUsualLimit >> 20U;
  QemuOptions qemu;
};

void declare(CLI::App& app, Options& options) {
  declare_startup(app, options.startup);
  app.add_option("--profile", options.profile, "how the machine was provisioned: firmware or owner")
      ->capture_default_str();
  app.add_option("--pcrs", options.pcrs, "the PCRs that seals are bound to (default: the profile's)");
  app.add_option("--qemu", options.qemu.program, "the QEMU to start")->capture_default_str();
  app.add_option("--accel", options.qemu.accelerator, "QEMU's accelerator: kvm or tcg")
      ->capture_default_str();
  app.add_option("--keep", options.kept_mib,
                 "MiB of verified kernels and initramfs to keep: their next launches start sooner. 0: none")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.footer(
      "Example:\n  sealift-ultravisor --tpm device:/dev/tpmrm0 --boot-password-fd 3 \\\n"
      "    --event-log /sys/kernel/security/tpm0/binary_bios_measurements --socket /run/sealift/ultravisor");
}

Status run(Options& options) {
  SEALIFT_CHECK(harden_process());
  SEALIFT_TRY(const auto stop, stop_signals());
  const auto& startup = options.startup;
  const UniqueFd passwords{startup.boot_password_fd};
  SEALIFT_TRY(auto boot_password, read_boot_password(passwords.get()));
  SEALIFT_TRY(const auto* const profile, tpm::profile_from_name(options.profile));
  SEALIFT_TRY(const auto pcrs, tpm::PcrSelection::parse(
                                   options.pcrs.empty() ? profile->pcrs : std::string_view{options.pcrs}));
  SEALIFT_TRY(options.qemu.run_as, guests_identity(startup));
  SEALIFT_TRY(const auto opener,
              tee::TpmSealOpener::create(startup.tcti, *profile, pcrs, std::move(boot_password),
                                         startup.approvals, print_rejected));
  QemuRunner runner{options.qemu};
  KeptComponents kept{options.kept_mib << 20U};
  MeasuredLauncher launcher{*opener, runner, kept, {startup.event_log, startup.approvals}};
  Server server{launcher};
  return server.serve(startup.socket, stop.get());
}

}  // namespace
}  // namespace sealift::ultravisor

int main(int argc, char** argv) {
  using namespace sealift;
  ultravisor::Options options;
  CLI::App app{"The trusted component of a measured host: opens sealed images and runs what it verified."};
  ultravisor::declare(app, options);
  return run_program(app, "sealift-ultravisor", argc, argv, [&options] { return ultravisor::run(options); });
}
