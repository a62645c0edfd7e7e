// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/host_check.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/host/checks.h"
#include "cli/output.h"
#include "cli/sev/owner_options.h"

namespace sealift::cli {
namespace {

struct Options {
  std::string tee = "measured";
  std::vector<std::string> trusted;
  HostCheckOptions checks;
};

Json document_of(const HostChecks& checks, const std::string& tee, bool ready) {
  auto all = Json::array();
  for (const auto& check : checks) {
    Json one{{"check", check.name}, {"good", check.good}, {"found", check.found}};
    if (!check.good) one["remedy"] = check.remedy;
    all.push_back(std::move(one));
  }
  return Json{{"tee", tee}, {"ready", ready}, {"checks", std::move(all)}};
}

std::string text_of(const HostChecks& checks) {
  std::string text;
  for (const auto& check : checks) {
    text += fmt::format("{} {:<13} {}\n", check.good ? "✓" : "✗", check.name, printable(check.found));
    if (!check.good) text += fmt::format("  {:<13} {}\n", "", check.remedy);
  }
  return text;
}

Status check(const Options& options, Context& context) {
  auto asked = options.checks;
  SEALIFT_TRY(asked.sev_roots, pinned_roots(options.trusted));
  const auto checks = options.tee == "sev"   ? check_sev_host(asked)
                      : options.tee == "pef" ? check_pef_host(asked)
                                             : check_measured_host(asked);
  const auto bad = std::ranges::count(checks, false, &HostCheck::good);
  SEALIFT_CHECK(context.report(document_of(checks, options.tee, bad == 0), text_of(checks)));
  if (bad == 0) return {};
  const auto first = std::ranges::find(checks, false, &HostCheck::good);
  return fail(ErrorCode::dependency_missing,
              fmt::format("{} of {} checks fail: this is no {} host yet", bad, checks.size(), options.tee),
              first->name);
}

}  // namespace

void declare_host_check(Command host) {
  const auto options = std::make_shared<Options>();
  host.command("check", "Say what this computer still lacks to be a host",
               "sealift host check\n"
               "sealift host check --tee sev --sev-firmware amdsev.fd --sev-key-server /var/lib/sealift/keys",
               [options](Context& context) { return check(*options, context); })
      .choice("--tee", options->tee, {"measured", "pef", "sev"}, "a host of which kind (default: measured)")
      .text("--tpm", options->checks.tcti, "TCTI", "where the TPM is (default: device:/dev/tpmrm0)")
      .choice("--profile", options->checks.profile, {"firmware", "owner"},
              "how the machine was provisioned (default: firmware)")
      .path("--ultravisor", options->checks.ultravisor, kFile,
            "its socket (default: /run/sealift/ultravisor)")
      .text("--qemu", options->checks.qemu, "PROGRAM", "QEMU, or what stands in for it")
      .path("--sev-firmware", options->checks.sev_firmware, kFile, "the OVMF that guests start with")
      .path("--sev-key-server", options->checks.sev_key_server, kDirectory,
            "ark.cert, ask.cert, cek/CHIP-ID of this machine")
      .texts("--trust-ark", options->trusted, kHex,
             "SHA-256 of a root's public key, in place of AMD's own; may be repeated")
      .path("--emulated-psp", options->checks.emulated_psp, kDirectory,
            "an emulated chip, in place of KVM and /dev/sev");
}

}  // namespace sealift::cli
