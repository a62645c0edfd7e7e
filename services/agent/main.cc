// SPDX-License-Identifier: Apache-2.0
/// sealift-agent: the untrusted daemon of a host. It does what its zone's orchestrator says, as far as the
/// host's TPM and ultravisor agree.
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <csignal>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "program/program.h"
#include "program/stop_signals.h"
#include "rpc/serving.h"
#include "services/agent/adapters/journal_directory.h"
#include "services/agent/adapters/object_fetcher.h"
#include "services/agent/adapters/orchestrator_channels.h"
#include "services/agent/adapters/qcow2_overlays.h"
#include "services/agent/adapters/sev_guests.h"
#include "services/agent/adapters/sev_platform.h"
#include "services/agent/adapters/tpm_platform.h"
#include "services/agent/adapters/ultravisor_socket.h"
#include "services/agent/domain/session.h"

namespace sealift::agent {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPef = "pef";
constexpr const char* kSev = "sev";

struct SevOptions {
  SevHost host;
  fs::path firmware;
  fs::path key_server;
  SevKeyServerOptions online;
};

struct Options {
  std::vector<std::string> orchestrators;
  fs::path credentials;
  fs::path state;
  std::string tcti;
  std::string profile = "firmware";
  fs::path ultravisor;
  std::string tee = "measured";
  std::string arch;
  std::string zone;
  std::uint32_t cpus = 0;
  std::uint32_t memory_mib = 0;
  std::map<std::string, std::string> labels;
  std::string firmware;
  objects::FetchOptions objects;
  std::uint64_t cache_mib = 16384;
  SevOptions sev;
};

std::string this_architecture() {
  utsname name{};
  ::uname(&name);
  return name.machine;
}

void declare_connections(CLI::App& app, Options& options) {
  app.add_option("--orchestrator", options.orchestrators, "HOST:PORT; several are tried in turn")->required();
  app.add_option("--credentials", options.credentials,
                 "directory as `sealift pki issue` writes it, role host")
      ->required();
  app.add_option("--state", options.state, "directory for journal, images and consoles; this host's alone")
      ->required();
  app.add_option("--tpm", options.tcti, "TCTI of the TPM: device:/dev/tpmrm0, swtpm:path=SOCKET");
  app.add_option("--profile", options.profile, "how the machine was provisioned: firmware or owner")
      ->capture_default_str();
  app.add_option("--ultravisor", options.ultravisor, "the ultravisor's socket");
  app.add_option("--sev-firmware", options.sev.firmware, "the OVMF that guests start with, for --tee sev");
  app.add_option("--sev-key-server", options.sev.key_server,
                 "what AMD's key server has of this machine: ark.cert, ask.cert, cek/CHIP-ID");
  app.add_option("--sev-key-url", options.sev.online.url,
                 "where a CEK that is not there comes from, and then stays: https://kdsintf.amd.com");
  app.add_option("--sev-key-ca", options.sev.online.ca_file,
                 "PEM with the roots of that server (default: the system's)");
  app.add_option("--sev-qemu", options.sev.host.qemu, "QEMU, or what stands in for it")
      ->capture_default_str();
  app.add_option("--sev-cpu", options.sev.host.cpu, "the model that guests see")->capture_default_str();
  app.add_option("--objects-dir", options.objects.directory,
                 "where the zone's directory store is mounted, if it has one");
  app.add_option("--objects-ca", options.objects.ca_file,
                 "PEM with the roots of the object store (default: the system's)");
  app.add_flag("--insecure-http-objects", options.objects.insecure_http, "also fetch objects without TLS");
  app.add_option("--cache-mib", options.cache_mib, "bound of the image cache")->capture_default_str();
}

void declare_attributes(CLI::App& app, Options& options) {
  app.add_option("--tee", options.tee, "kind of protection: measured, pef or sev")
      ->check(CLI::IsMember({"measured", kPef, kSev}))
      ->capture_default_str();
  app.add_option("--arch", options.arch, "of guests")->capture_default_str();
  app.add_option("--zone", options.zone, "the zone's name")->required();
  app.add_option("--cpus", options.cpus, "processors for guests")->required()->check(CLI::PositiveNumber);
  app.add_option("--memory-mib", options.memory_mib, "MiB of memory for guests")
      ->required()
      ->check(CLI::PositiveNumber);
  app.add_option_function<std::vector<std::string>>(
      "--label",
      [&options](const std::vector<std::string>& labels) {
        for (const auto& label : labels) {
          const auto equals = label.find('=');
          if (equals == 0 || equals == std::string::npos)
            throw CLI::ValidationError("--label", "'" + label + "' is not KEY=VALUE");
          options.labels[label.substr(0, equals)] = label.substr(equals + 1);
        }
      },
      "KEY=VALUE; may be repeated");
  app.add_option("--firmware", options.firmware, "what the host says that it runs");
  app.footer(
      "Examples:\n  sealift-agent --orchestrator orch-1:7444 --orchestrator orch-2:7444 \\\n"
      "    --credentials /etc/sealift/host --state /var/lib/sealift/agent --tpm device:/dev/tpmrm0 \\\n"
      "    --ultravisor /run/sealift/ultravisor --zone eu-1 --cpus 32 --memory-mib 131072 --label disk=ssd\n"
      "  sealift-agent --config /etc/sealift/agent.conf\n\n"
      "Scaling out: one on each host; name every replica of the orchestrator. It may be restarted at any "
      "time: guests "
      "belong\nto the ultravisor; only those of --tee sev end with it.");
}

v1::HostAttributes attributes_of(const Options& options) {
  v1::HostAttributes attributes;
  attributes.set_tee(options.tee);
  attributes.set_arch(options.arch);
  attributes.set_zone(options.zone);
  attributes.set_cpus(options.cpus);
  attributes.set_memory_mib(options.memory_mib);
  attributes.mutable_labels()->insert(options.labels.begin(), options.labels.end());
  attributes.set_firmware(options.firmware);
  return attributes;
}

/// One line for each; what peers said loses its control characters.
void log(const std::string& line) {
  auto text = line;
  std::ranges::replace_if(text, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  // fmt::print would end the agent where nobody reads its log any more.
  std::fputs(fmt::format("sealift-agent: {}\n", text).c_str(), stderr);
}

/// Two agents over one journal would start things twice.
Result<UniqueFd> lock_state(const fs::path& state) {
  SEALIFT_CHECK(make_private_directory(state));
  SEALIFT_TRY(auto lock, open_file(state / "lock", O_RDWR | O_CREAT));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  return fail(ErrorCode::conflict, "another agent works in " + state.string(), "state");
}

/// What this host protects guests with, and shows.
struct Tee {
  std::unique_ptr<Ultravisor> guests;
  std::unique_ptr<Platform> platform;
  v1::HostAttributes attributes;
};

Status require(bool given, const char* option, const std::string& tee) {
  if (given) return {};
  return fail(ErrorCode::invalid_argument, fmt::format("--tee {} takes {}", tee, option), option);
}

Result<Tee> sev_tee(const Options& options) {
  SEALIFT_CHECK(require(!options.sev.firmware.empty(), "--sev-firmware", options.tee));
  SEALIFT_CHECK(require(!options.sev.key_server.empty(), "--sev-key-server", options.tee));
  SEALIFT_TRY(const auto shown, sev_capabilities(options.sev.host));
  Tee tee{std::make_unique<SevGuests>(options.sev.host, options.sev.firmware),
          std::make_unique<SevPlatform>(options.sev.host, options.sev.key_server, options.sev.online),
          attributes_of(options)};
  const auto api = fmt::format("{}.{}", shown.api_major, shown.api_minor);
  // So that customers can ask for them, as for any label; a label of the operator's own goes before.
  tee.attributes.mutable_labels()->insert({"sev-api", api});
  tee.attributes.mutable_labels()->insert({"sev-build", std::to_string(shown.build)});
  if (options.firmware.empty())
    tee.attributes.set_firmware(fmt::format("SEV API {} build {}", api, shown.build));
  return tee;
}

Result<Tee> tpm_tee(const Options& options) {
  SEALIFT_CHECK(require(!options.tcti.empty(), "--tpm", options.tee));
  SEALIFT_CHECK(require(!options.ultravisor.empty(), "--ultravisor", options.tee));
  SEALIFT_TRY(const auto* const profile, tpm::profile_from_name(options.profile));
  if (!fs::exists(options.ultravisor))
    log("ultravisor: there is no " + options.ultravisor.string() +
        ": until it starts, every launch here is refused");
  auto platform = std::make_unique<TpmPlatform>(options.tcti, *profile);
  auto attributes = attributes_of(options);
  if (const auto name = platform->storage_key_name()) {
    attributes.set_storage_key_name(std::string{as_text(*name)});
  } else {
    log("the TPM does not show a storage key, so what was sealed to it ahead is not found: " +
        name.error().message);
  }
  return Tee{std::make_unique<UltravisorSocket>(options.ultravisor), std::move(platform),
             std::move(attributes)};
}

Status run(const Options& options) {
  ::signal(SIGPIPE, SIG_IGN);
  SEALIFT_TRY(const auto stop, stop_signals());
  SEALIFT_TRY(const auto tee, options.tee == kSev ? sev_tee(options) : tpm_tee(options));
  SEALIFT_TRY(const auto state_lock, lock_state(options.state));
  SEALIFT_TRY(const auto credentials, rpc::load_credentials(options.credentials, rpc::Role::host));
  SEALIFT_TRY(const auto orchestrator, OrchestratorChannels::create(options.orchestrators, credentials));

  const Limits limits;
  const SystemClock clock;
  ObjectFetcher objects{options.objects};
  Qcow2Overlays overlays{options.state / "overlays"};
  JournalDirectory journal{options.state / "instances"};
  ImageCache cache{options.state / "cache", options.cache_mib << 20U, objects};
  SEALIFT_CHECK(cache.open());
  Completions completions{*orchestrator, limits, log};
  World world{*orchestrator,
              *tee.guests,
              objects,
              overlays,
              journal,
              cache,
              completions,
              clock,
              limits,
              log,
              options.tee == kPef ? Verified::when_it_asks : Verified::before_it_runs};
  Instances instances{world, {options.cpus, options.memory_mib}};
  SEALIFT_CHECK(instances.load());
  Commands commands{world, instances, *tee.platform};
  Session session{world, instances, commands, tee.attributes};
  log("started as " + credentials->identity().text());
  {
    std::jthread working{[&](const std::stop_token& token) { session.run(token); }};
    signalfd_siginfo signal{};
    while (::read(stop.get(), &signal, sizeof signal) < 0 && errno == EINTR) {
    }
    working.request_stop();
    orchestrator->close();
  }
  log(options.tee == kSev ? "stopped, and its guests with it" : "stopped; guests run on");
  return {};
}

}  // namespace
}  // namespace sealift::agent

int main(int argc, char** argv) {
  using namespace sealift;
  agent::Options options;
  options.arch = agent::this_architecture();
  CLI::App app{"The host agent: does what its zone's orchestrator says, as far as TPM and ultravisor agree."};
  agent::declare_connections(app, options);
  agent::declare_attributes(app, options);
  return run_program(app, "sealift-agent", argc, argv, [&options] { return agent::run(options); });
}
