// SPDX-License-Identifier: Apache-2.0
#include "cli/host/checks.h"

#include <fmt/core.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"
#include "services/agent/sev/key_files.h"
#include "services/agent/sev/machine.h"
#include "services/agent/sev/platform_status.h"
#include "tee/sev/chain.h"
#include "tee/sev/ovmf.h"
#include "tpm/evidence.h"

namespace sealift::cli {
namespace {

namespace fs = std::filesystem;

HostCheck good(const char* name, std::string found) { return {name, true, std::move(found)}; }
HostCheck missing(const char* name, std::string found, std::string remedy) {
  return {name, false, std::move(found), std::move(remedy)};
}
HostCheck missing(const char* name, const Error& why) {
  return missing(name, why.message, std::string{remedy(why.code)});
}

HostCheck check_kvm(const HostCheckOptions& options) {
  const auto device = options.system / "dev/kvm";
  if (::access(device.c_str(), R_OK | W_OK) == 0) return good("kvm", device.string() + " is ours to use");
  if (!fs::exists(device))
    return missing("kvm", "there is no " + device.string(),
                   "Switch virtualization on in the firmware's setup and load kvm_amd, kvm_intel or kvm_hv; "
                   "without it guests are emulated, and slow.");
  return missing("kvm", device.string() + " is not ours to use",
                 "Add the service's user to the group that owns it.");
}

HostCheck check_qemu(const std::string& program) {
  Command command;
  command.argv = {program, "--version"};
  const auto output = run(std::move(command));
  if (!output) return missing("qemu", output.error());
  const auto line = output->out.substr(0, output->out.find('\n'));
  if (output->exit_status == 0) return good("qemu", line);
  return missing("qemu", program + " does not start", "Install it again.");
}

std::string program(const HostCheckOptions& options, const char* usual) {
  return options.qemu.empty() ? usual : options.qemu;
}

void check_tpm(const HostCheckOptions& options, HostChecks& checks) {
  auto tpm = tpm::Tpm::open(options.tcti);
  if (!tpm) {
    checks.push_back(missing("tpm", tpm.error().message,
                             "Switch the TPM on in the firmware's setup; --tpm says where it is."));
    return;
  }
  checks.push_back(good("tpm", options.tcti + " answers"));
  const auto profile = tpm::profile_from_name(options.profile);
  if (!profile) return checks.push_back(missing("provisioning", profile.error()));
  const auto evidence = tpm::gather_evidence(*tpm, **profile);
  if (!evidence) return checks.push_back(missing("provisioning", evidence.error()));
  checks.push_back(good(
      "provisioning", fmt::format("an EK with {} certificate(s), a storage key of the profile {}{}",
                                  evidence->ek_certificates.size(), options.profile,
                                  evidence->platform_certificate.empty() ? "" : ", a platform certificate")));
}

HostCheck check_ultravisor(const HostCheckOptions& options) {
  std::error_code ignored;
  if (fs::is_socket(options.ultravisor, ignored))
    return good("ultravisor", options.ultravisor.string() + " is there");
  return missing("ultravisor", "nobody listens at " + options.ultravisor.string(),
                 "Start sealift-ultravisor; --ultravisor says where its socket is.");
}

HostCheck check_kernel_sev(const HostCheckOptions& options) {
  const auto parameter = options.system / "sys/module/kvm_amd/parameters/sev";
  const auto bytes = read_file(parameter, 16);
  if (bytes && !bytes->empty() && (bytes->front() == 'Y' || bytes->front() == '1'))
    return good("kernel", "kvm_amd has SEV switched on");
  return missing("kernel", bytes ? "kvm_amd has SEV switched off" : "kvm_amd is not loaded",
                 "Load kvm_amd with sev=1 (sev_es=1 for ES) on a processor that has it, with SMEE on in the "
                 "firmware's setup.");
}

HostCheck check_device(const HostCheckOptions& options) {
  const auto status = agent::sev_platform_status(options.system / "dev/sev");
  if (!status)
    return missing("psp", status.error().message,
                   "Load the module ccp, and let the agent's user read and write /dev/sev.");
  constexpr std::uint8_t kOldest = 17;  // measurements say more from API 0.17 on
  const auto text = fmt::format("SEV API {}.{} build {}, {} guest(s)", status->api_major, status->api_minor,
                                status->build, status->guests);
  if (status->api_major > 0 || status->api_minor >= kOldest) return good("psp", text);
  return missing("psp", text, "Update the machine's SEV firmware to API 0.17 or later.");
}

HostCheck check_firmware(const fs::path& path) {
  if (path.empty())
    return missing("firmware", "no OVMF is named", "Name it: --sev-firmware; `make firmware` builds one.");
  const auto bytes = read_file(path, sev::kFirmwareLimit);
  if (!bytes) return missing("firmware", bytes.error());
  const auto footer = sev::OvmfFooter::parse(*bytes);
  if (!footer) return missing("firmware", footer.error());
  const auto secret = footer->need_secret_area();
  if (!secret) return missing("firmware", secret.error());
  const auto hashes = footer->need_hash_table_area();
  if (!hashes) return missing("firmware", hashes.error());
  return good("firmware", path.string() + " keeps room for a secret and for the kernel's hashes");
}

HostCheck check_chain(const HostCheckOptions& options, const agent::SevCapabilities& shown) {
  const agent::SevKeyFiles keys{options.sev_key_server};
  const auto ark = keys.ark();
  const auto ask = keys.ask();
  const auto cek = keys.cek(shown.chip_id);
  for (const auto* file : {&ark, &ask, &cek}) {
    if (!*file)
      return missing("certificates", file->error().message,
                     "AMD publishes ask_ark_*.cert by generation, and this chip's CEK at "
                     "https://kdsintf.amd.com/cek/id/" +
                         to_hex(shown.chip_id) + "; the agent fetches that with --sev-key-url.");
  }
  if (shown.chain.size() != 3 * sev::kCertificateSize)
    return missing("certificates", "the PSP shows no chain of three certificates",
                   "Make its PEK anew: sevctl reset.");
  const ByteView chain{shown.chain};
  const auto platform =
      sev::VerifiedPlatform::verify({.pdh = shown.pdh,
                                     .pek = chain.first(sev::kCertificateSize),
                                     .oca = chain.subspan(sev::kCertificateSize, sev::kCertificateSize),
                                     .cek = *cek,
                                     .ask = *ask,
                                     .ark = *ark},
                                    options.sev_roots);
  if (!platform) return missing("certificates", platform.error());
  return good("certificates", "from this chip's PDH up to the root " + platform->root());
}

}  // namespace

HostChecks check_measured_host(const HostCheckOptions& options) {
  HostChecks checks{check_kvm(options), check_qemu(program(options, "qemu-system-x86_64"))};
  check_tpm(options, checks);
  checks.push_back(check_ultravisor(options));
  return checks;
}

HostChecks check_pef_host(const HostCheckOptions& options) {
  HostChecks checks{check_kvm(options), check_qemu(program(options, "qemu-system-ppc64"))};
  const auto node = options.system / "proc/device-tree/ibm,ultravisor";
  checks.push_back(fs::exists(node)
                       ? good("ultravisor", "the firmware runs one: " + node.string())
                       : missing("ultravisor", "the firmware runs none: there is no " + node.string(),
                                 "PEF takes a POWER9 or later machine whose firmware has it switched on."));
  check_tpm(options, checks);
  return checks;
}

HostChecks check_sev_host(const HostCheckOptions& options) {
  HostChecks checks;
  const bool emulated = !options.emulated_psp.empty();
  if (!emulated) checks = {check_kvm(options), check_kernel_sev(options), check_device(options)};
  agent::SevHost host;
  host.qemu = program(options, "qemu-system-x86_64");
  if (emulated) {
    host.environment.push_back("SEALIFT_EMULATED_PSP=" + options.emulated_psp.string());
  } else {
    checks.push_back(check_qemu(host.qemu));
  }
  checks.push_back(check_firmware(options.sev_firmware));
  const auto shown = agent::query_capabilities(host);
  if (!shown) {
    checks.push_back(missing("capabilities", shown.error().message,
                             "QEMU cannot reach the PSP: what is missing above comes first."));
    return checks;
  }
  checks.push_back(
      good("capabilities", "QEMU reaches the PSP of chip " + to_hex(shown->chip_id).substr(0, 16)));
  checks.push_back(check_chain(options, *shown));
  return checks;
}

}  // namespace sealift::cli
