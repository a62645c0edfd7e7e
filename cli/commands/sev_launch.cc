// SPDX-License-Identifier: Apache-2.0
/// sealift sev digest, measure: what the PSP will measure.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/commands/sev.h"
#include "cli/sev_inputs.h"
#include "crypto/base64.h"

namespace sealift::cli {
namespace {

Json areas(const std::optional<sev::OvmfFooter>& footer) {
  const auto area = [](const std::optional<sev::GuestArea>& where) {
    return where ? Json{{"base", where->base}, {"size", where->size}} : Json(nullptr);
  };
  if (!footer) return nullptr;
  return Json{{"secret_area", area(footer->secret_area)}, {"hash_table_area", area(footer->hash_table_area)}};
}

/// What the firmware cannot do of what is asked of it.
std::string notes(const LaunchContent& content) {
  std::string text;
  if (!content.footer) text += "The firmware has no OVMF footer: it takes neither hashes nor secrets.\n";
  if (content.footer && content.kernel && !content.footer->need_hash_table_area()) {
    text += "This OVMF takes no hash table: it would not check kernel, initrd and command line.\n";
  }
  if (content.footer && !content.footer->secret_area) text += "This OVMF takes no secret.\n";
  if (content.vcpus != 0 && content.vmsa0.empty()) {
    text += "No VMSA pages: right for SEV, which measures no vCPUs; SEV-ES needs --vmsa0 or --cpu-family.\n";
  }
  return text;
}

Status run_digest(const LaunchOptions& options, Context& context) {
  SEALIFT_TRY(const auto content, read_launch(options));
  const auto inputs = content.inputs(options.firmware.string());
  std::optional<sev::KernelHashes> hashes;
  if (inputs.kernel) hashes = sev::hash_kernel(*inputs.kernel, inputs.initrd, inputs.cmdline);
  const auto digest = sev::launch_digest(content.firmware, hashes, inputs.vmsa);
  Json document{{"digest", crypto::to_base64(digest.view())},
                {"digest_hex", to_hex(digest.view())},
                {"vmsa_pages", inputs.vmsa.vcpus},
                {"kernel_hashes", nullptr},
                {"firmware", areas(content.footer)}};
  if (hashes) {
    document["kernel_hashes"] = Json{{"kernel", to_hex(hashes->kernel.view())},
                                     {"initrd", to_hex(hashes->initrd.view())},
                                     {"cmdline", to_hex(hashes->cmdline.view())},
                                     {"table", crypto::to_base64(sev::hash_table(*hashes))}};
  }
  return context.report(document, fmt::format("{}\n{}", crypto::to_base64(digest.view()), notes(content)));
}

struct MeasureOptions {
  LaunchVersionOptions version;
  Path tik;
  std::string mnonce;
  std::string digest;
};

Status run_measure(const MeasureOptions& options, Context& context) {
  SEALIFT_TRY(const auto version, parse_version(options.version));
  SEALIFT_TRY(const auto nonce, parse_base64(options.mnonce, "--mnonce", sev::kMeasureNonceSize));
  SEALIFT_TRY(const auto digest, parse_base64(options.digest, "--digest", 32));
  SEALIFT_TRY(const auto tik, read_transport_key(options.tik));
  std::array<std::uint8_t, sev::kMeasureNonceSize> mnonce{};
  std::ranges::copy(nonce, mnonce.begin());
  const auto measured = sev::measure(tik, version.firmware, version.policy, crypto::Digest{digest}, mnonce);
  const auto text = crypto::to_base64(measured.bytes());
  return context.report(Json{{"measurement", text}}, text + "\n");
}

}  // namespace

void declare_sev_launch(Command& group) {
  auto digest = std::make_shared<LaunchOptions>();
  auto command =
      group.command("digest", "The launch digest of firmware, kernel and vCPUs",
                    "sealift sev digest --firmware OVMF.fd --kernel vmlinuz --initrd initrd.img --cmdline "
                    "'console=ttyS0 root=/dev/sda1'",
                    [digest](Context& context) { return run_digest(*digest, context); });
  digest->declare(command);

  auto options = std::make_shared<MeasureOptions>();
  auto measure = group.command(
      "measure", "The measurement that the PSP must give for a launch digest",
      "sealift sev measure --api-major 1 --api-minor 55 --build 8 --policy 0x7 --tik session/tik.bin "
      "--mnonce 2k1…== --digest ZTe…=",
      [options](Context& context) { return run_measure(*options, context); });
  options->version.declare(measure, Need::required);
  measure.path("--tik", options->tik, kFile, "the session's TIK, 16 bytes", Need::required)
      .text("--mnonce", options->mnonce, "B64", "the last 16 bytes of what query-sev-launch-measure gives",
            Need::required)
      .text("--digest", options->digest, "B64", "the launch digest, as sealift sev digest gives it",
            Need::required);
}

}  // namespace sealift::cli
