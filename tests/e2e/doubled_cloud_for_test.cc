// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/doubled_cloud_for_test.h"

#include <signal.h>

#include "cli/programs.h"
#include "tests/e2e/processes_for_test.h"

namespace sealift::e2e {
namespace {

using rpc::Role;

constexpr const char* kHost = "host-1";
constexpr const char* kTenant = "acme";

std::string program(const std::string& name) { return cli::find_program(name).value().string(); }

}  // namespace

Meddle DoubledCloud::meddle_at(Door door) const {
  return [this, door](const std::string& method, Direction direction, google::protobuf::Message& message) {
    meddle_(door, method, direction, message);
  };
}

DoubledCloud::DoubledCloud(MeddleAt meddle) : meddle_{std::move(meddle)} {
  for (const auto* name : {"objects", "machines", "agent"}) std::filesystem::create_directory(path(name));
  const auto orchestrator = pki_.identity(Role::orchestrator);
  const auto relay = [&](Door door, RelayForTest::Sides sides) {
    relays_[door] = std::make_unique<RelayForTest>(std::move(sides), meddle_at(door));
    return relays_[door]->address();
  };
  orchestrator_ =
      start("sealift-orchestrator", Role::orchestrator, {},
            {"--database", "sqlite:" + path("orchestrator.db"), "--objects", "dir:" + path("objects")});
  const auto zone = relay(Door::zone, {pki_.credentials(Role::orchestrator), pki_.credentials(Role::frontend),
                                       orchestrator_, orchestrator});
  relay(Door::host, {pki_.credentials(Role::orchestrator), pki_.credentials(Role::host, kHost), orchestrator_,
                     orchestrator});
  relay(Door::security_module,
        {pki_.credentials(Role::security_module, kTenant), pki_.credentials(Role::orchestrator),
         "127.0.0.1:1", pki_.identity(Role::security_module, kTenant)});
  frontend_ = start(
      "sealift-frontend", Role::frontend, {},
      {"--database", "sqlite:" + path("frontend.db"), "--objects", "dir:" + path("objects"), "--orchestrator",
       zone, "--security-module", std::string{kTenant} + "=" + relays_[Door::security_module]->address()});
  relay(Door::front_end, {pki_.credentials(Role::frontend), pki_.credentials(Role::tenant, kTenant),
                          frontend_, pki_.identity(Role::frontend)});
  make_insertion_key();
  start_security_module();
  start_agent();
  watch();
}

DoubledCloud::~DoubledCloud() {
  watch_.request_stop();
  watch_.join();
  relays_.clear();
  services_.stop();
  (void)cli::sealift({"dev", "host", "stop", kHost, "--dir", path("machines")});
}

std::string DoubledCloud::start(const std::string& service, Role role, const std::string& name,
                                Words options) {
  options.insert(options.begin(), {program(service), "--credentials", pki_.files(role, name).string()});
  return services_.start_service(service + std::to_string(security_modules_), std::move(options)).value();
}

void DoubledCloud::watch() {
  watch_ = std::jthread{[this](const std::stop_token& stop) {
    services_.watch([&] { return stop.stop_requested(); }, [](const std::string&) {});
  }};
}

void DoubledCloud::make_insertion_key() {
  const auto key = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value();
  const auto pem = key.pem();
  EXPECT_TRUE(write_file(path("insertion.key"), pem.expose(), 0600));
  EXPECT_TRUE(write_file(path("insertion.pub"), as_bytes(key.public_key().pem())));
  cli::sealift_json({"pki", "init", path("insertion-pki"), "--trust-domain", "acme.example"});
  cli::sealift_json({"pki", "insertion", path("insertion-pki"), "--key", path("insertion.pub"), "--out",
                     path("insertion.pem")});
}

void DoubledCloud::start_security_module() {
  const auto number = std::to_string(++security_modules_);
  security_module_ =
      start("sealift-sm", Role::security_module, kTenant,
            {"--database", "sqlite:" + path("sm-" + number + ".db"), "--tenant", kTenant, "--protector",
             "insecure-file:" + path("sm-" + number + ".key"), "--create-key", "--insertion-key",
             "insecure-file:" + path("insertion.key"), "--insertion-certificates", path("insertion.pem")});
  relays_[Door::security_module]->redirect(security_module_);
  write_cloud_file();
}

void DoubledCloud::renew_security_module() {
  watch_.request_stop();
  watch_.join();
  start_security_module();
  watch();
}

void DoubledCloud::start_agent() {
  const auto host = [&](Words words) {
    words.insert(words.begin(), {"dev", "host"});
    words.insert(words.end(), {"--dir", path("machines")});
    return cli::sealift_json(std::move(words));
  };
  host({"create", kHost});
  host({"boot", kHost});
  const auto inputs = host({"firmware", "default"}).at("inputs");
  cli::sealift_json({"policy", "predict", "--hardware-key-hash", inputs.at("hardware_key_hash"),
                     "--verification-code-hash", inputs.at("verification_code_hash"), "--secure-boot-jumper",
                     "on", "--pef", "on", "--out", path("approved.log")});
  const auto machine = path("machines/") + kHost;
  const auto started = services_.start(kHost, {program("sealift-agent"),
                                               "--orchestrator",
                                               relays_[Door::host]->address(),
                                               "--credentials",
                                               pki_.files(Role::host, kHost).string(),
                                               "--state",
                                               path("agent"),
                                               "--tpm",
                                               "swtpm:path=" + machine + "/tpm.sock",
                                               "--ultravisor",
                                               machine + "/ultravisor.sock",
                                               "--arch",
                                               "x86_64",
                                               "--zone",
                                               "home",
                                               "--cpus",
                                               "4",
                                               "--memory-mib",
                                               "4096",
                                               "--objects-dir",
                                               path("objects")});
  EXPECT_TRUE(started);
}

DoubledCloud::Way DoubledCloud::way_to(const std::string& service) {
  const auto orchestrator = pki_.identity(Role::orchestrator);
  if (service == "ImageService" || service == "LaunchService")
    return {frontend_, pki_.credentials(Role::tenant, kTenant), pki_.identity(Role::frontend)};
  if (service == "SeedService" || service == "AuditService" || service == "RevocationService" ||
      service == "HostSetService" || service == "AuthorizationService") {
    const auto caller = service == "AuthorizationService" ? pki_.credentials(Role::orchestrator)
                                                          : pki_.credentials(Role::tenant, kTenant);
    return {security_module_, caller, pki_.identity(Role::security_module, kTenant)};
  }
  if (service == "HostService") return {orchestrator_, pki_.credentials(Role::host, kHost), orchestrator};
  if (service == "InventoryService")
    return {orchestrator_, pki_.credentials(Role::administrator), orchestrator};
  return {orchestrator_, pki_.credentials(Role::frontend), orchestrator};
}

std::map<std::string, pid_t> DoubledCloud::processes() const {
  return {
      {"agent", process_with(path("agent"))},
      {"frontend", process_with("sqlite:" + path("frontend.db"))},
      {"orchestrator", process_with("sqlite:" + path("orchestrator.db"))},
      {"security module", process_with("sqlite:" + path("sm-" + std::to_string(security_modules_) + ".db"))}};
}

void DoubledCloud::restart_agent() {
  const auto pid = process_with(path("agent"));
  ASSERT_GT(pid, 0);
  ::kill(pid, SIGKILL);
}

void DoubledCloud::write_cloud_file() const {
  const Json json{{"format", "sealift-cloud-v1"},
                  {"credentials", (pki_.path() / "tenant-acme").string()},
                  {"frontend", relays_.at(Door::front_end)->address()},
                  {"security_module", security_module_},
                  {"security_module_proof", {{"roots", {"insertion-pki/ca.pem"}}}}};
  EXPECT_TRUE(write_file(path("cloud.json"), as_bytes(json.dump())));
}

Words DoubledCloud::words(Words command) const {
  command.insert(command.end(),
                 {"--cloud", path("cloud.json"), "--root", path("machines/ca/root.pem"), "--intermediate",
                  path("machines/ca/intermediate.pem"), "--reference", path("approved.log")});
  return command;
}

}  // namespace sealift::e2e
