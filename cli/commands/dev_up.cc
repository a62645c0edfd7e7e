// SPDX-License-Identifier: Apache-2.0
/// sealift dev up: a whole cloud on this computer.
#include <fmt/core.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/cancellation.h"
#include "cli/commands/commands.h"
#include "cli/dev/dev_cloud.h"

namespace sealift::cli {
namespace {

std::filesystem::path default_directory() {
  if (const char* const data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data != '\0')
    return std::filesystem::path{data} / "sealift/cloud";
  const char* const home = std::getenv("HOME");
  return std::filesystem::path{home == nullptr ? "/" : home} / ".local/share/sealift/cloud";
}

struct UpOptions {
  DevCloudOptions cloud;
  std::string tee = "measured";
};

Status up(const UpOptions& given, Context& context) {
  catch_signals();
  auto options = given.cloud;
  if (given.tee == "pef") options.pef_hosts += std::exchange(options.hosts, 0);
  if (given.tee == "sev") options.sev_hosts += std::exchange(options.hosts, 0);
  if (options.directory.empty()) options.directory = default_directory();
  options.directory = std::filesystem::absolute(options.directory);
  if (options.tenants.empty()) options.tenants = {"acme"};
  DevCloud cloud{options};
  SEALIFT_CHECK(cloud.start());
  SEALIFT_CHECK(context.json ? print_line(cloud.description()) : print_text(cloud.hints()));
  cloud.processes().watch([] { return cancelled().load(); },
                          [&context](const std::string& name) {
                            if (!context.json)
                              (void)print_text(printable(name) + " ended; it is started again\n");
                          });
  return {};
}

}  // namespace

void declare_dev_up(Command dev) {
  auto options = std::make_shared<UpOptions>();
  options->cloud.tenants.clear();
  dev.command(
         "up",
         "Start a cloud on this computer: front end, orchestrator, security module, and emulated hosts with "
         "their agents",
         "sealift dev up --hosts 3\nsealift dev up --tee sev\nsealift dev up --hosts 2 --pef-hosts 1 "
         "--sev-hosts 1",
         [options](Context& context) { return up(*options, context); })
      .path("--dir", options->cloud.directory, kDirectory,
            "where it keeps everything (default: ~/.local/share/sealift/cloud)")
      .number("--hosts", options->cloud.hosts, "emulated machines (default: 2)")
      .choice("--tee", options->tee, {"measured", "pef", "sev"},
              "how they protect guests (default: measured)")
      .number("--pef-hosts", options->cloud.pef_hosts, "so many more, an emulated POWER9 each (default: 0)")
      .number("--sev-hosts", options->cloud.sev_hosts, "so many more, with an AMD PSP each (default: 0)")
      .path("--sev-firmware", options->cloud.sev_firmware, kFile,
            "the OVMF of these (default: what `make firmware` built)")
      .number("--orchestrators", options->cloud.orchestrators,
              "replicas of the orchestrator, with --database (default: 1)")
      .texts("--tenant", options->cloud.tenants, "NAME",
             "a customer with a security module; may be repeated (default: acme)")
      .text("--database", options->cloud.database, "URL", "instead of SQLite: postgresql://…")
      .text("--objects", options->cloud.objects, "URL", "instead of a directory: s3+https://…")
      .path("--objects-ca", options->cloud.objects_ca, kFile, "roots of that S3 service, for the hosts");
}

}  // namespace sealift::cli
