// SPDX-License-Identifier: Apache-2.0
/// sealift-orchestrator: one zone's scheduler and launch state machine. It owns no keys.
#include <fmt/core.h>
#include <unistd.h>

#include "crypto/unique_id.h"
#include "program/program.h"
#include "program/stop_signals.h"
#include "rpc/serving.h"
#include "services/orchestrator/adapters/host_service.h"
#include "services/orchestrator/adapters/object_locations.h"
#include "services/orchestrator/adapters/security_module_channels.h"
#include "services/orchestrator/adapters/workers.h"
#include "services/orchestrator/adapters/zone_service.h"
#include "store/schemas.h"

namespace sealift::orchestrator {
namespace {

constexpr milliseconds kSecurityModuleTimeout{5000};  // shorter than a lease

struct Options {
  rpc::ServingOptions serving;
  std::string database;
  std::string objects;
  int workers = 8;
  Limits limits;
};

void seconds(CLI::App& app, const char* name, milliseconds& into, const char* help) {
  app.add_option_function<double>(
         name, [&into](double value) { into = milliseconds{static_cast<std::int64_t>(value * 1000)}; }, help)
      ->check(CLI::Range(0.001, 1e6))
      ->default_str(fmt::format("{}", static_cast<double>(into.count()) / 1000));
}

void declare(CLI::App& app, Options& options) {
  app.add_option("--listen", options.serving.listen, "ADDRESS:PORT to listen on")->capture_default_str();
  app.add_option("--credentials", options.serving.credentials, "directory that sealift pki issue wrote")
      ->required();
  app.add_option("--database", options.database, "sqlite:PATH, or PostgreSQL's postgresql://…")->required();
  app.add_option("--objects", options.objects, "the object store: dir:PATH or s3+https://…")->required();
  app.add_option("--workers", options.workers, "launches that take a step at the same time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  seconds(app, "--host-silence", options.limits.host_silence,
          "a host not heard of for so many seconds is passed over");
  seconds(app, "--host-lost", options.limits.host_lost, "and after so many its guests are given up");
  seconds(app, "--heartbeat", options.limits.heartbeat_interval, "seconds between a host's heartbeats");
  app.footer(
      "Examples:\n  sealift-orchestrator --listen 0.0.0.0:7444 --credentials /etc/sealift/orchestrator \\\n"
      "    --database sqlite:/var/lib/sealift/zone.db --objects dir:/var/lib/sealift/objects\n"
      "  sealift-orchestrator --config /etc/sealift/orchestrator.conf\n\n"
      "Scaling out: start it on several machines with one postgresql:// database and one s3+https:// store. "
      "They "
      "share the\nwork, and go on with what one leaves behind. docs/operate.md has a whole installation.");
}

Status run(const Options& options) {
  SEALIFT_TRY(const auto stop, stop_signals());
  SEALIFT_TRY(const auto credentials,
              rpc::load_credentials(options.serving.credentials, rpc::Role::orchestrator));
  SEALIFT_TRY(const auto database, store::open(options.database, store::Schema::launches));
  SEALIFT_TRY(const auto object_store, objects::open_store(options.objects));
  const auto health = [&]() -> Status {
    SEALIFT_CHECK(database->read("SELECT 1", {}));
    return object_store->check();
  };
  SEALIFT_CHECK(object_store->check());
  const auto launches = store::make_launch_store(*database);
  const auto hosts = store::make_host_store(*database);
  const auto commands = store::make_command_store(*database);

  const SystemClock clock;
  const auto& limits = options.limits;
  const Stores stores{*launches, *hosts, *commands};
  Signal signal;
  ObjectLocations locations{*object_store, limits};
  SecurityModuleChannels security_modules{credentials, kSecurityModuleTimeout};
  LaunchSteps steps{stores, security_modules, locations, signal, clock, limits};
  HostStreams streams{stores, signal};
  DirectCommands direct{streams};
  HostReports reports{stores, direct, signal, clock, limits};
  CustomerRequests requests{stores, direct, locations, signal, clock, limits};
  Watches watches{requests, signal};
  ConsoleStreams consoles{requests};
  const Workers workers{steps, signal, crypto::time_ordered_id(clock.now()), options.workers};

  rpc::Router router;
  register_zone_service(router, requests, watches, consoles);
  register_inventory_service(router, *hosts, clock, limits);
  register_host_service(router, reports, streams, limits);
  return rpc::serve("sealift-orchestrator", options.serving, credentials, std::move(router),
                    {.health = health}, stop.get());
}

}  // namespace
}  // namespace sealift::orchestrator

int main(int argc, char** argv) {
  using namespace sealift;
  orchestrator::Options options;
  CLI::App app{"One zone's scheduler and launch state machine."};
  orchestrator::declare(app, options);
  return run_program(app, "sealift-orchestrator", argc, argv,
                     [&options] { return orchestrator::run(options); });
}
