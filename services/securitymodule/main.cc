// SPDX-License-Identifier: Apache-2.0
/// sealift-sm: the customer's security module. It keeps seeds, and seals them to machines that proved
/// themselves.
#include <fmt/core.h>
#include <unistd.h>

#include <condition_variable>
#include <thread>

#include "base/file.h"
#include "base/hardening.h"
#include "program/program.h"
#include "program/stop_signals.h"
#include "rpc/serving.h"
#include "services/securitymodule/adapters/insertion_keys.h"
#include "services/securitymodule/adapters/log_keys.h"
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
  ProtectorOptions protector;
  RotationOptions rotation;
  InsertionKeyOptions insertion;
  bool make_insertion_key = false;
  bool plain_insertion = false;
  std::string log_key;
  std::vector<std::string> tenants;
};

constexpr const char* kProtectorHelp =
    "who holds the key under which the database's root key is wrapped:\n"
    "pkcs11:token=T;object=KEY?module-path=/…/module.so&pin-source=file:/…/pin  (a token; an HSM)\n"
    "tpm:device:/dev/tpmrm0?pcrs=sha256:7  (this machine's TPM, in the state it is in; =HEX for another)\n"
    "insecure-file:PATH  (32 bytes: whoever reads this file and the database reads every seed)";

constexpr const char* kInsertionHelp =
    "what this security module proves itself by to customers, who then insert seeds "
    "(docs/security-module.md):\n"
    "pkcs11:token=T;object=KEY?module-path=/…/module.so&pin-source=file:/…/pin  (a key pair in a token; an "
    "HSM)\n"
    "tpm:device:/dev/tpmrm0?pcrs=sha256:7,11  (this machine's TPM, which quotes these PCRs)\n"
    "insecure-file:PATH  (a key in a file)";

void declare_serving(CLI::App& app, Options& options) {
  app.add_option("--listen", options.serving.listen, "ADDRESS:PORT to listen on")->capture_default_str();
  app.add_option("--credentials", options.serving.credentials, "directory that sealift pki issue wrote");
  app.add_option("--database", options.database, "sqlite:PATH, or PostgreSQL's postgresql://…");
  app.add_option("--protector", options.protector.address, kProtectorHelp);
  app.add_flag("--create-key", options.protector.create,
               "make the protector's key and the database's root key, where the database is new");
  app.add_option("--insertion-key", options.insertion.address, kInsertionHelp);
  app.add_option("--insertion-certificates", options.insertion.certificates,
                 "PEM: who vouches for a pkcs11: or insecure-file: insertion key; its own certificate first");
  app.add_flag(
      "--insecure-plain-insertion", options.plain_insertion,
      "take seeds also from tenants who ask for no proof: whoever has this service's TLS key, or can get "
      "a certificate, reads them");
  app.add_option("--log-key", options.log_key,
                 "pkcs11:…: a key pair in a token, which signs the log of decisions from its first entry on "
                 "(default: one in the database, wrapped by its root key)");
  app.add_option("--tenant", options.tenants,
                 "a tenant to serve; may be repeated (default: the one in the credentials)");
  app.footer(
      "Examples:\n  sealift-sm --listen 0.0.0.0:7445 --credentials /etc/sealift-sm/sm \\\n"
      "    --database postgresql://sm@db/keys \\\n"
      "    --protector "
      "'pkcs11:token=sm;object=root?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/"
      "sealift-sm/"
      "pin'\n"
      "  sealift-sm --config /etc/sealift-sm/sm.conf\n\n"
      "Scaling out: start it on several machines with one postgresql:// database and protectors that hold "
      "its key.\n"
      "docs/operate.md has a whole installation. Every decision is one line of JSON on standard error.\n"
      "The protector is asked once, at the start. Where its key is lost no seed can be opened: let a second "
      "one\n"
      "protect the database as well (sealift-sm rotate --keep).");
}

void declare_key_commands(CLI::App& app, Options& options) {
  auto& rotate = *app.add_subcommand(
      "rotate", "wrap the database's root key by another protector; running replicas do not notice");
  rotate.add_option("--database", options.database, "as above")->required();
  rotate.add_option("--protector", options.rotation.from, "one that protects it now")->required();
  rotate.add_option("--to", options.rotation.to, "the one that shall")->required();
  rotate.add_flag("--keep", options.rotation.keep, "keep the wrap by --protector's key as well");
  rotate.add_flag("--create-key", options.rotation.create, "make --to's key where it is missing");
  rotate.footer(
      "Examples:\n"
      "  sealift-sm rotate --database sqlite:keys.db --protector insecure-file:key --to "
      "tpm:device:/dev/tpmrm0\n"
      "  sealift-sm rotate --database sqlite:keys.db --protector tpm:device:/dev/tpmrm0 --keep \\\n"
      "    --to 'tpm:device:/dev/tpmrm0?pcrs=sha256:7=…'      before a firmware update\n\n"
      "Prints the keys that protect the database then. Old backups are still opened by the old key.");
  auto& keys = *app.add_subcommand("keys", "print the keys that protect the database");
  keys.add_option("--database", options.database, "as above")->required();
  auto& insertion = *app.add_subcommand(
      "insertion-key", "print the public half of the insertion key, to be certified: sealift pki insertion");
  insertion.add_option("--insertion-key", options.insertion.address, "pkcs11:… or insecure-file:…, as above")
      ->required();
  insertion.add_flag("--create-key", options.make_insertion_key, "make it where it is missing");
  insertion.footer(
      "Example:\n  sealift-sm insertion-key --create-key --insertion-key \\\n"
      "    "
      "'pkcs11:token=sm;object=insertion?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/"
      "sealift-sm/pin' >insertion.pub");
  keys.footer("Example:\n  sealift-sm keys --database sqlite:keys.db");
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

/// One write(2) for each. The log that counts is in the database.
void print_decision(std::string_view entry) {
  (void)write_all(STDERR_FILENO, as_bytes(std::string{entry} + '\n'));
}

Status print(const Result<std::vector<std::string>>& keys) {
  if (!keys) return tl::unexpected(keys.error());
  for (const auto& key : *keys) fmt::print("{}\n", key);
  return {};
}

Status print_insertion_key(const Options& options) {
  SEALIFT_TRY(const auto key,
              insertion_key_to_certify(options.insertion.address,
                                       options.make_insertion_key ? MissingKey::make : MissingKey::refuse));
  fmt::print("{}", key.pem());
  return {};
}

Status change_keys(const CLI::App& app, const Options& options) {
  SEALIFT_CHECK(harden_process());
  if (app.got_subcommand("insertion-key")) return print_insertion_key(options);
  SEALIFT_TRY(const auto database, store::open(options.database, store::Schema::keys));
  const auto root_keys = store::make_root_key_store(*database);
  if (app.got_subcommand("keys")) return print(protecting_keys(*root_keys));
  return print(rotate(options.rotation, *root_keys));
}

Status expect_complete(const Options& options) {
  if (options.serving.credentials.empty())
    return fail(ErrorCode::invalid_argument, "--credentials is required", "credentials");
  if (options.protector.address.empty())
    return fail(ErrorCode::invalid_argument, "--protector is required", "protector");
  if (options.database.empty())
    return fail(ErrorCode::invalid_argument, "--database is required", "database");
  return {};
}

Status serve(const Options& options) {
  SEALIFT_CHECK(expect_complete(options));
  SEALIFT_CHECK(harden_process());
  SEALIFT_TRY(const auto stop, stop_signals());
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
  const auto revocations = store::make_revocation_store(*database);
  const auto sets = store::make_host_set_store(*database);
  const auto verdicts = store::make_verdict_store(*database);
  const auto root_keys = store::make_root_key_store(*database);
  const auto root_key = root_keys->get();
  const bool is_new = !root_key && root_key.error().code == ErrorCode::not_found;
  SEALIFT_TRY(const auto vault, open_vault(options.protector, *root_keys, *seeds, tenants));

  SEALIFT_TRY(const auto insertion_key, open_insertion_key(options.insertion));

  const SystemClock clock;
  const Limits limits;
  const auto audit = store::make_audit_store(*database);
  // Made only for a database that is new: a log that has lost its key is told so.
  const auto make = is_new && options.protector.create ? MissingKey::make : MissingKey::refuse;
  SEALIFT_TRY(auto signer, open_log_key(options.log_key, make));
  SEALIFT_TRY(const auto log, AuditLog::open(*audit, vault, clock, print_decision, std::move(signer)));
  SecurityModule sm{std::move(tenants),
                    {*seeds, *authorizations, *enrolments, *challenges, *revocations, *sets, *verdicts},
                    vault,
                    clock,
                    limits,
                    *log,
                    insertion_key.get()};
  const auto housekeeping = start_housekeeping(sm);

  rpc::Router router;
  register_methods(router, sm, own.trust_domain,
                   options.plain_insertion ? PlainInsertion::insecurely_allow : PlainInsertion::refuse);
  register_audit(router, sm, *log, own.trust_domain);
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
  securitymodule::declare_serving(app, options);
  securitymodule::declare_key_commands(app, options);
  return run_program(app, "sealift-sm", argc, argv, [&] {
    return app.get_subcommands().empty() ? securitymodule::serve(options)
                                         : securitymodule::change_keys(app, options);
  });
}
