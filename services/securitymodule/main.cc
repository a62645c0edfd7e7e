// SPDX-License-Identifier: Apache-2.0
/// sealift-sm: the customer's security module. It keeps seeds, and seals them to machines that proved
/// themselves.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <condition_variable>
#include <thread>

#include "base/hardening.h"
#include "rpc/serving.h"
#include "services/securitymodule/adapters/decision_log.h"
#include "services/securitymodule/adapters/opening.h"
#include "services/securitymodule/adapters/service.h"
#include "services/securitymodule/adapters/wiping_heap.h"
#include "store/schemas.h"

namespace sealift::securitymodule {
namespace {

constexpr std::chrono::seconds kHousekeeping{30};

struct Options {
  rpc::ServingOptions serving;
  std::string database;
  KeyFileOptions key_file;
  std::vector<std::string> tenants;
};

void declare(CLI::App& app, Options& options) {
  app.add_option("--listen", options.serving.listen, "ADDRESS:PORT to listen on")->capture_default_str();
  app.add_option("--credentials", options.serving.credentials, "directory that sealift pki issue wrote")
      ->required();
  app.add_option("--database", options.database, "sqlite:PATH, or PostgreSQL's postgresql://…")->required();
  app.add_option(
         "--insecure-key-file", options.key_file.path,
         "32 bytes under which the database's key is wrapped: whoever reads this file and the database reads "
         "every seed")
      ->required();
  app.add_flag("--insecure-create-key", options.key_file.create,
               "make the key file and the database's key, where the database is new");
  app.add_option("--tenant", options.tenants,
                 "a tenant to serve; may be repeated (default: the one in the credentials)");
  app.footer(
      "Example:\n  sealift-sm --listen 0.0.0.0:7445 --credentials /etc/sealift/sm \\\n"
      "    --database sqlite:/var/lib/sealift-sm/keys.db --insecure-key-file /var/lib/sealift-sm/key\n\n"
      "Several may run on one PostgreSQL database, each with the same key file. Every decision is one line "
      "of JSON\n"
      "on standard error. Back up the key file apart from the database: without it no seed can be opened.");
}

/// Frees what expired, now and then, until it is stopped.
std::jthread start_housekeeping(SecurityModule& sm) {
  return std::jthread{[&sm](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock{mutex};
    while (!stop.stop_requested()) {
      (void)sm.forget_expired_questions();  // a database that fails shows in every request as well
      never.wait_for(lock, stop, kHousekeeping, [] { return false; });
    }
  }};
}

Status run(const Options& options) {
  SEALIFT_CHECK(harden_process());
  SEALIFT_TRY(const auto stop, rpc::stop_signals());
  SEALIFT_TRY(const auto credentials,
              rpc::load_credentials(options.serving.credentials, rpc::Role::security_module));
  const auto& own = credentials->identity();
  std::set<std::string> tenants{options.tenants.begin(), options.tenants.end()};
  if (tenants.empty()) tenants.insert(own.name);
  SEALIFT_TRY(const auto database, store::open(options.database, store::Schema::keys));
  const auto seeds = store::make_seed_store(*database);
  const auto authorizations = store::make_authorization_store(*database);
  const auto enrolments = store::make_enrolment_store(*database);
  const auto challenges = store::make_challenge_store(*database);
  const auto root_keys = store::make_root_key_store(*database);
  SEALIFT_TRY(const auto vault, open_vault_with_key_file(options.key_file, *root_keys, *seeds, tenants));

  const SystemClock clock;
  const Limits limits;
  FileDecisionLog log{STDERR_FILENO, clock};
  SecurityModule sm{
      std::move(tenants), {*seeds, *authorizations, *enrolments, *challenges}, vault, clock, limits, log};
  const auto housekeeping = start_housekeeping(sm);

  rpc::Router router;
  register_methods(router, sm, own.trust_domain);
  rpc::ServerOptions server;
  server.health = [&root_keys]() -> Status {
    SEALIFT_CHECK(root_keys->get());
    return {};
  };
  return rpc::serve("sealift-sm", options.serving, credentials, std::move(router), std::move(server),
                    stop.get());
}

}  // namespace
}  // namespace sealift::securitymodule

int main(int argc, char** argv) {
  using namespace sealift;
  securitymodule::wipe_what_openssl_frees();
  securitymodule::Options options;
  CLI::App app{
      "The customer's security module: keeps seeds, and seals them to machines that proved themselves."};
  securitymodule::declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ErrorKind::usage);
  }
  const auto status = securitymodule::run(options);
  if (status) return 0;
  const auto& error = status.error();
  fmt::print(stderr, "sealift-sm: {}: {}. {}\n", name(error.code), error.message, remedy(error.code));
  return static_cast<int>(kind(error.code));
}
