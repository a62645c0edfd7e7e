// SPDX-License-Identifier: Apache-2.0
/// sealift-ultravisor: the trusted component of a measured host. The firmware's last stage starts it and
/// gives it, and nobody else, this boot's password.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/hardening.h"
#include "services/ultravisor/adapters/qemu.h"
#include "services/ultravisor/adapters/server.h"
#include "services/ultravisor/adapters/startup.h"
#include "tee/tpm_seal_opener.h"

namespace sealift::ultravisor {
namespace {

struct Options {
  std::string tcti;
  int boot_password_fd = -1;
  std::filesystem::path event_log;
  std::filesystem::path socket;
  std::string profile = "firmware";
  std::string pcrs;
  std::filesystem::path approvals;
  std::string run_as = "nobody";
  std::uint64_t kept_mib = KeptComponents::kUsualLimit >> 20U;
  QemuOptions qemu;
};

void declare(CLI::App& app, Options& options) {
  app.add_option("--tpm", options.tcti, "TCTI of the TPM: device:/dev/tpmrm0, swtpm:path=SOCKET")->required();
  app.add_option("--boot-password-fd", options.boot_password_fd,
                 "descriptor to read this boot's password from")
      ->required();
  app.add_option("--event-log", options.event_log, "this boot's TCG event log, to explain refusals")
      ->required();
  app.add_option("--socket", options.socket, "unix socket for the host agent")->required();
  app.add_option("--profile", options.profile, "how the machine was provisioned: firmware or owner")
      ->capture_default_str();
  app.add_option("--pcrs", options.pcrs, "the PCRs that seals are bound to (default: the profile's)");
  app.add_option("--approvals", options.approvals,
                 "directory of *.approval and *.withdrawal, for a machine that is bound to an approver");
  app.add_option("--run-as", options.run_as, "the user QEMU runs as, where this runs as root")
      ->capture_default_str();
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

Status run(Options options) {
  SEALIFT_CHECK(harden_process());
  SEALIFT_TRY(const auto stop, stop_signals());
  const UniqueFd passwords{options.boot_password_fd};
  SEALIFT_TRY(auto boot_password, read_boot_password(passwords.get()));
  SEALIFT_TRY(const auto* const profile, tpm::profile_from_name(options.profile));
  SEALIFT_TRY(const auto pcrs, tpm::PcrSelection::parse(
                                   options.pcrs.empty() ? profile->pcrs : std::string_view{options.pcrs}));
  if (::geteuid() == 0) {
    SEALIFT_TRY(options.qemu.run_as, identity_of(options.run_as));
  }
  SEALIFT_TRY(const auto opener, tee::TpmSealOpener::create(options.tcti, *profile, pcrs,
                                                            std::move(boot_password), options.approvals));
  QemuRunner runner{options.qemu};
  KeptComponents kept{options.kept_mib << 20U};
  MeasuredLauncher launcher{*opener, runner, kept, options.event_log};
  Server server{launcher};
  return server.serve(options.socket, stop.get());
}

}  // namespace
}  // namespace sealift::ultravisor

int main(int argc, char** argv) {
  using namespace sealift;
  ultravisor::Options options;
  CLI::App app{"The trusted component of a measured host: opens sealed images and runs what it verified."};
  ultravisor::declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ErrorKind::usage);
  }
  const auto status = ultravisor::run(std::move(options));
  if (status) return 0;
  const auto& error = status.error();
  fmt::print(stderr, "sealift-ultravisor: {}: {}. {}\n", name(error.code), error.message, remedy(error.code));
  return static_cast<int>(kind(error.code));
}
