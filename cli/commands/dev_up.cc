// SPDX-License-Identifier: Apache-2.0
/// sealift dev up: a whole cloud on this computer.
#include <fmt/core.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

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

Status up(const DevCloudOptions& given, Context& context) {
  catch_signals();
  auto options = given;
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
  auto options = std::make_shared<DevCloudOptions>();
  options->tenants.clear();
  dev.command(
         "up",
         "Start a cloud on this computer: front end, orchestrator, security module, and emulated hosts with "
         "their agents",
         "sealift dev up --hosts 3", [options](Context& context) { return up(*options, context); })
      .path("--dir", options->directory, kDirectory,
            "where it keeps everything (default: ~/.local/share/sealift/cloud)")
      .number("--hosts", options->hosts, "emulated machines (default: 2)")
      .number("--orchestrators", options->orchestrators,
              "replicas of the orchestrator, with --database (default: 1)")
      .texts("--tenant", options->tenants, "NAME",
             "a customer with a security module; may be repeated (default: acme)")
      .text("--database", options->database, "URL", "instead of SQLite: postgresql://…")
      .text("--objects", options->objects, "URL", "instead of a directory: s3+https://…")
      .path("--objects-ca", options->objects_ca, kFile, "roots of that S3 service, for the hosts");
}

}  // namespace sealift::cli
