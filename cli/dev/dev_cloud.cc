// SPDX-License-Identifier: Apache-2.0
#include "cli/dev/dev_cloud.h"

#include <fmt/core.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/file.h"
#include "cli/cancellation.h"
#include "cli/dev/emulator.h"
#include "cli/programs.h"
#include "rpc/pki.h"
#include "tee/insertion_proof.h"
#include "tee/sev/amd_certificate.h"

namespace sealift::cli {
namespace {

namespace fs = std::filesystem;
constexpr const char* kTrustDomain = "dev.sealift.example";
constexpr std::uint32_t kMaxHosts = 64;
constexpr std::uint32_t kMaxOrchestrators = 8;

Status make_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error) return fail(ErrorCode::io_error, path.string() + ": " + error.message());
  return {};
}

std::vector<std::string> numbered(std::string_view name, std::uint32_t count) {
  std::vector<std::string> names;
  for (std::uint32_t i = 1; i <= count; ++i) names.push_back(fmt::format("{}-{}", name, i));
  return names;
}

Result<std::string> ark_fingerprint(const fs::path& certificate) {
  constexpr std::size_t kLimit = 64UL * 1024;
  SEALIFT_TRY(const auto bytes, read_file(certificate, kLimit));
  SEALIFT_TRY(const auto ark, sev::AmdCertificate::parse(bytes, sev::Usage::ark));
  return to_hex(ark.fingerprint().view());
}

}  // namespace

DevCloud::DevCloud(DevCloudOptions options) : options_{std::move(options)}, supervisor_{path("log")} {}

DevCloud::~DevCloud() {
  supervisor_.stop();
  for (const auto& name : booted_) (void)run_emulator({"stop", name}, path("machines"));
}

std::vector<std::string> DevCloud::host_names() const { return numbered("host", options_.hosts); }
std::vector<std::string> DevCloud::pef_host_names() const { return numbered("power", options_.pef_hosts); }
std::vector<std::string> DevCloud::sev_host_names() const { return numbered("sev", options_.sev_hosts); }

std::string DevCloud::database(const std::string& service) const {
  return options_.database.empty() ? "sqlite:" + path(service + ".db").string() : options_.database;
}

Status DevCloud::start() {
  const auto hosts = std::uint64_t{options_.hosts} + options_.pef_hosts + options_.sev_hosts;
  if (hosts == 0 || hosts > kMaxHosts)
    return fail(ErrorCode::invalid_argument, fmt::format("1 to {} hosts", kMaxHosts), "--hosts");
  if (options_.orchestrators == 0 || options_.orchestrators > kMaxOrchestrators ||
      (options_.orchestrators > 1 && options_.database.empty())) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("1 orchestrator, or up to {} on a PostgreSQL --database", kMaxOrchestrators),
                "--orchestrators");
  }
  for (const auto* name : {"", "log", "credentials", "objects", "machines", "agents"}) {
    SEALIFT_CHECK(make_directory(path(name)));
  }
  SEALIFT_CHECK(make_certificates());
  SEALIFT_CHECK(make_insertion_keys());
  SEALIFT_CHECK(start_orchestrators());
  SEALIFT_CHECK(start_security_modules());
  SEALIFT_CHECK(start_frontend());
  for (const auto& name : host_names()) SEALIFT_CHECK(start_tpm_host(name, "measured", "x86_64"));
  for (const auto& name : pef_host_names()) SEALIFT_CHECK(start_tpm_host(name, "pef", "ppc64le"));
  SEALIFT_CHECK(start_sev_hosts());
  if (options_.hosts + options_.pef_hosts > 0) SEALIFT_CHECK(approve_firmware());
  return write_cloud_files();
}

Status DevCloud::make_certificates() {
  const auto now = SystemClock{}.now();
  if (!fs::exists(path("pki") / "ca.pem")) SEALIFT_CHECK(rpc::create_pki(path("pki"), kTrustDomain, now));
  const auto issue = [&](const std::string& folder, rpc::Role role, const std::string& name) -> Status {
    if (fs::exists(credentials(folder) / "key.pem")) return {};
    SEALIFT_CHECK(rpc::issue_credentials(path("pki"), role, name, credentials(folder), now,
                                         {.hosts = {"127.0.0.1", "localhost"}}));
    return {};
  };
  SEALIFT_CHECK(issue("frontend", rpc::Role::frontend, {}));
  SEALIFT_CHECK(issue("orchestrator", rpc::Role::orchestrator, {}));
  SEALIFT_CHECK(issue("operator", rpc::Role::administrator, {}));
  for (const auto& tenant : options_.tenants) {
    SEALIFT_CHECK(issue("tenant-" + tenant, rpc::Role::tenant, tenant));
    SEALIFT_CHECK(issue("sm-" + tenant, rpc::Role::security_module, tenant));
  }
  for (const auto& host : host_names()) SEALIFT_CHECK(issue(host, rpc::Role::host, host));
  for (const auto& host : pef_host_names()) SEALIFT_CHECK(issue(host, rpc::Role::host, host));
  for (const auto& host : sev_host_names()) SEALIFT_CHECK(issue(host, rpc::Role::host, host));
  return {};
}

Status DevCloud::make_insertion_keys() const {
  constexpr std::chrono::days kValidity{365};
  const auto now = SystemClock{}.now();
  const auto pki = path("insertion-pki");
  if (!fs::exists(pki / "ca.pem")) SEALIFT_CHECK(rpc::create_pki(pki, kTrustDomain, now));
  for (const auto& tenant : options_.tenants) {
    const auto certificate_file = path("sm-" + tenant + ".insertion.pem");
    if (fs::exists(certificate_file)) continue;
    SEALIFT_TRY(const auto key, crypto::PrivateKey::generate_ec(crypto::Curve::p256));
    const auto pem = key.pem();
    SEALIFT_CHECK(write_file(path("sm-" + tenant + ".insertion.key"), pem.expose(), 0600));
    const auto draft = tee::insertion_certificate_draft(key.public_key(), "sm-" + tenant,
                                                        rpc::certificate_validity(now, kValidity));
    SEALIFT_TRY(const auto certificate, rpc::issue_certificate(pki, draft));
    SEALIFT_CHECK(write_file(certificate_file, as_bytes(certificate.pem())));
  }
  return {};
}

std::string DevCloud::objects() const {
  return options_.objects.empty() ? "dir:" + path("objects").string() : options_.objects;
}

Status DevCloud::start_orchestrators() {
  SEALIFT_TRY(const auto program, find_program("sealift-orchestrator"));
  for (std::uint32_t i = 1; i <= options_.orchestrators; ++i) {
    const auto name =
        options_.orchestrators == 1 ? std::string{"orchestrator"} : fmt::format("orchestrator-{}", i);
    SEALIFT_TRY(auto address,
                supervisor_.start_service(
                    name, {program.string(), "--credentials", credentials("orchestrator").string(),
                           "--database", database("orchestrator"), "--objects", objects()}));
    orchestrators_.push_back(std::move(address));
  }
  return {};
}

/// --orchestrator for each of them.
std::vector<std::string> DevCloud::orchestrator_arguments() const {
  std::vector<std::string> arguments;
  for (const auto& address : orchestrators_) arguments.insert(arguments.end(), {"--orchestrator", address});
  return arguments;
}

Status DevCloud::start_security_modules() {
  SEALIFT_TRY(const auto program, find_program("sealift-sm"));
  for (const auto& tenant : options_.tenants) {
    const auto name = "sm-" + tenant;
    SEALIFT_TRY(auto address,
                supervisor_.start_service(
                    name, {program.string(), "--credentials", credentials(name).string(), "--database",
                           database(name), "--tenant", tenant, "--protector",
                           "insecure-file:" + path(name + ".key").string(), "--create-key", "--insertion-key",
                           "insecure-file:" + path(name + ".insertion.key").string(),
                           "--insertion-certificates", path(name + ".insertion.pem").string()}));
    security_modules_.push_back(std::move(address));
  }
  return {};
}

Status DevCloud::start_frontend() {
  SEALIFT_TRY(const auto program, find_program("sealift-frontend"));
  std::vector<std::string> argv{program.string(), "--credentials",      credentials("frontend").string(),
                                "--database",     database("frontend"), "--objects",
                                objects()};
  const auto zone = orchestrator_arguments();
  argv.insert(argv.end(), zone.begin(), zone.end());
  for (std::size_t i = 0; i < options_.tenants.size(); ++i) {
    argv.insert(argv.end(), {"--security-module", options_.tenants[i] + "=" + security_modules_[i]});
  }
  SEALIFT_TRY(frontend_, supervisor_.start_service("frontend", std::move(argv)));
  return {};
}

Status DevCloud::make_machine(const std::string& name, const std::string& tee) {
  if (!fs::exists(path("machines") / name)) {
    SEALIFT_CHECK(run_emulator({"create", name, "--tee", tee}, path("machines")));
  }
  SEALIFT_CHECK(run_emulator({"boot", name}, path("machines")));
  booted_.push_back(name);
  return {};
}

Status DevCloud::start_tpm_host(const std::string& name, const std::string& tee, const std::string& arch) {
  SEALIFT_CHECK(check_not_cancelled());
  SEALIFT_CHECK(make_machine(name, tee));
  SEALIFT_TRY(const auto shown, run_emulator({"show", name}, path("machines")));
  return start_agent(name, {},
                     {"--tee", tee, "--arch", arch, "--tpm", shown.value("tcti", ""), "--ultravisor",
                      shown.value("ultravisor_socket", "")});
}

Status DevCloud::start_agent(const std::string& host, std::vector<std::string> prefix,
                             std::vector<std::string> tee) {
  SEALIFT_TRY(const auto agent, find_program("sealift-agent"));
  auto argv = std::move(prefix);
  argv.insert(argv.end(), {agent.string(), "--credentials", credentials(host).string(), "--state",
                           path("agents/" + host).string(), "--zone", options_.zone, "--cpus", "4",
                           "--memory-mib", "4096"});
  argv.insert(argv.end(), tee.begin(), tee.end());
  if (options_.objects.empty()) argv.insert(argv.end(), {"--objects-dir", path("objects").string()});
  if (!options_.objects_ca.empty()) argv.insert(argv.end(), {"--objects-ca", options_.objects_ca.string()});
  const auto zone = orchestrator_arguments();
  argv.insert(argv.end(), zone.begin(), zone.end());
  return supervisor_.start(host, std::move(argv));
}

fs::path DevCloud::sev_firmware() const {
  if (!options_.sev_firmware.empty()) return options_.sev_firmware;
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  const char* const home = std::getenv("HOME");
  const auto base = cache != nullptr ? fs::path{cache} : fs::path{home == nullptr ? "/" : home} / ".cache";
  return base / "sealift/firmware/amdsev.fd";
}

Status DevCloud::make_psp(const std::string& host) {
  const auto chip = path("psp/" + host);
  if (fs::exists(chip)) return {};
  SEALIFT_CHECK(run_emulator({"psp-chip", chip.string(), "--maker", path("psp/maker").string()}, {}));
  return {};
}

Status DevCloud::start_sev_hosts() {
  if (options_.sev_hosts == 0) return {};
  const auto firmware = sev_firmware();
  if (!fs::exists(firmware))
    return fail(ErrorCode::not_found,
                "there is no firmware " + firmware.string() + ": `make firmware` builds it",
                "--sev-firmware");
  SEALIFT_CHECK(make_directory(path("psp")));
  if (!fs::exists(path("psp/maker")))
    SEALIFT_CHECK(run_emulator({"psp-maker", path("psp/maker").string()}, {}));
  SEALIFT_TRY(ark_, ark_fingerprint(path("psp/maker/ark.cert")));
  SEALIFT_TRY(const auto qemu, find_program("sealift-emulated-sev-qemu"));
  for (const auto& host : sev_host_names()) {
    SEALIFT_CHECK(make_psp(host));
    SEALIFT_CHECK(
        start_agent(host, {"env", "SEALIFT_EMULATED_PSP=" + path("psp/" + host).string()},
                    {"--tee", "sev", "--arch", "x86_64", "--sev-qemu", qemu.string(), "--sev-firmware",
                     firmware.string(), "--sev-key-server", path("psp/maker").string()}));
  }
  return {};
}

/// What the firmware's vendor publishes, as the customer approves it: never what a host says of itself.
Status DevCloud::approve_firmware() {
  SEALIFT_TRY(const auto published, run_emulator({"firmware", "default"}, path("machines")));
  const auto inputs = published.value("inputs", Json::object());
  SEALIFT_TRY(const auto self, find_program("sealift"));
  sealift::Command command;
  command.argv = {self.string(),
                  "policy",
                  "predict",
                  "--hardware-key-hash",
                  inputs.value("hardware_key_hash", ""),
                  "--verification-code-hash",
                  inputs.value("verification_code_hash", ""),
                  "--secure-boot-jumper",
                  "on",
                  "--pef",
                  "on",
                  "--out",
                  path("approved.eventlog").string(),
                  "--json"};
  SEALIFT_CHECK(run_checked(std::move(command)));
  return {};
}

Status DevCloud::write_cloud_file(const std::string& name, const std::string& security_module,
                                  bool for_operator) const {
  Json json{{"format", "sealift-cloud-v1"}, {"credentials", "credentials/" + name}};
  if (for_operator) {
    json["orchestrator"] = orchestrators_.front();
  } else {
    json["frontend"] = frontend_;
    json["security_module"] = security_module;
    json["security_module_proof"] = Json{{"roots", {"insertion-pki/ca.pem"}}};
  }
  const auto text = json.dump(2) + "\n";
  return write_file(
      path((for_operator ? std::string{"operator"} : name.substr(name.find('-') + 1)) + ".json"),
      as_bytes(text), 0600);
}

Status DevCloud::write_cloud_files() const {
  for (std::size_t i = 0; i < options_.tenants.size(); ++i) {
    SEALIFT_CHECK(write_cloud_file("tenant-" + options_.tenants[i], security_modules_[i], false));
  }
  return write_cloud_file("operator", {}, true);
}

Json DevCloud::description() const {
  auto tenants = Json::array();
  for (std::size_t i = 0; i < options_.tenants.size(); ++i) {
    const auto& tenant = options_.tenants[i];
    tenants.push_back(Json{{"tenant", tenant},
                           {"cloud_file", path(tenant + ".json").string()},
                           {"security_module", security_modules_[i]}});
  }
  Json all{{"directory", options_.directory.string()},
           {"tenants", tenants},
           {"operator_file", path("operator.json").string()},
           {"frontend", frontend_},
           {"orchestrators", orchestrators_},
           {"root", path("machines/ca/root.pem").string()},
           {"intermediate", path("machines/ca/intermediate.pem").string()},
           {"reference", path("approved.eventlog").string()},
           {"hosts", host_names()}};
  if (options_.pef_hosts > 0) all["pef"] = Json{{"hosts", pef_host_names()}};
  if (options_.sev_hosts > 0)
    all["sev"] = Json{{"ark", ark_}, {"firmware", sev_firmware().string()}, {"hosts", sev_host_names()}};
  return all;
}

std::string DevCloud::launch_hints() const {
  std::string hints;
  if (options_.hosts + options_.pef_hosts > 0) {
    hints = fmt::format(
        "  sealift launch image --keep-key --yes --seed image.seed \\\n"
        "    --root {0}/machines/ca/root.pem --intermediate {0}/machines/ca/intermediate.pem \\\n"
        "    --reference {0}/approved.eventlog\n"
        "      (without --keep-key the security module keeps the seed)\n",
        options_.directory.string());
  }
  if (options_.sev_hosts > 0) {
    hints += fmt::format(
        "  sealift launch sev-image --keep-key --yes --owner sev-image.owner \\\n"
        "    --firmware {} \\\n    --trust-ark {}\n",
        sev_firmware().string(), ark_);
  }
  return hints;
}

std::string DevCloud::hints() const {
  return fmt::format(
      "\nThe cloud is up: {0} host(s), tenant {1}. In another terminal:\n\n"
      "  export SEALIFT_CLOUD={2}\n{3}"
      "  sealift ps\n"
      "  sealift hosts --cloud {4}\n\n"
      "An image comes from: sealift image build --help. Ctrl-C ends it all; {5} keeps what is in it.\n",
      options_.hosts + options_.pef_hosts + options_.sev_hosts, options_.tenants.front(),
      path(options_.tenants.front() + ".json").string(), launch_hints(), path("operator.json").string(),
      options_.directory.string());
}

}  // namespace sealift::cli
