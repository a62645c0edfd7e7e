// SPDX-License-Identifier: Apache-2.0
/// sealift esm verify: are these the components that the operand was made for?
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/commands/esm.h"
#include "cli/inputs.h"
#include "cli/measuring.h"
#include "cli/opened_operand.h"
#include "cli/operand_file.h"

namespace sealift::cli {
namespace {

struct VerifyOptions {
  Path file;
  ComponentFiles components;
  OperandKey key;
};

const crypto::Digest* digest_of(const esm::IntegrityInformation& information, esm::Component component) {
  switch (component) {
    case esm::Component::kernel:
      return &information.kernel;
    case esm::Component::initramfs:
      return &information.initrd;
    case esm::Component::cmdline:
      return &information.bootargs;
    case esm::Component::rtas:
      return information.rtas ? &*information.rtas : nullptr;
  }
  return nullptr;
}

Json hex_or_null(const crypto::Digest* digest) {
  return digest == nullptr ? Json{} : Json(to_hex(digest->view()));
}

/// [{"name", "verdict": "matches" | "differs", "expected", "found"}…]: null for a component that is missing.
Json components_json(const esm::IntegrityInformation& expected, const esm::IntegrityInformation& found) {
  const auto differing = esm::compare(expected, as_measured(found));
  auto list = Json::array();
  for (const auto component :
       {esm::Component::kernel, esm::Component::initramfs, esm::Component::cmdline, esm::Component::rtas}) {
    const auto* const wanted = digest_of(expected, component);
    const auto* const measured = digest_of(found, component);
    if (wanted == nullptr && measured == nullptr) continue;
    const bool differs = std::ranges::find(differing, component) != differing.end();
    list.push_back({{"name", esm::name(component)},
                    {"verdict", differs ? "differs" : "matches"},
                    {"expected", hex_or_null(wanted)},
                    {"found", hex_or_null(measured)}});
  }
  return list;
}

std::string components_text(const Json& components) {
  std::string text;
  for (const auto& component : components) {
    text += fmt::format("{:<10} {}\n", component["name"].get<std::string>(),
                        component["verdict"].get<std::string>());
  }
  return text;
}

Status verify(const VerifyOptions& options, Context& context) {
  SEALIFT_TRY(const auto file, OperandFile::read(options.file));
  SEALIFT_TRY(const auto format, in_file(options.file, formats::format_of(file.operand())));
  SEALIFT_TRY(const auto expected, open_integrity(file.operand(), format, options.key));
  SEALIFT_TRY(const auto found, measure(options.components, format, context.progress()));
  const auto components = components_json(expected, found);
  auto status = esm::check(expected, as_measured(found));
  SEALIFT_CHECK(context.report(Json{{"format", formats::name(format)},
                                    {"verdict", status ? "matches" : "differs"},
                                    {"components", components}},
                               components_text(components)));
  return status;
}

}  // namespace

void declare_esm_verify(Command& group) {
  auto options = std::make_shared<VerifyOptions>();
  group
      .command("verify", "Check kernel, initramfs and command line against an operand's digests",
               "sealift esm verify image/initramfs --kernel image/kernel --initramfs image/initramfs \\\n"
               "  --cmdline \"$(cat image/cmdline)\" --seed image.seed",
               [options](Context& context) { return verify(*options, context); })
      .path("FILE", options->file, kFile, "an operand, or an initramfs that starts with one", Need::required)
      .path("--kernel", options->components.kernel, kFile, "the kernel (ibm,esm: of an ELF its flat binary)",
            Need::required)
      .path("--initramfs", options->components.initramfs, kFile,
            "the initramfs; a head archive with an operand does not count", Need::required)
      .text("--cmdline", options->components.cmdline, kText, "the kernel command line", Need::required)
      .path("--rtas", options->components.rtas, kFile, "the RTAS code (pef)")
      .path("--seed", options->key.seed, kFile, "the image's seed (sealift,esm-v1)")
      .path("--key", options->key.key, "PEM", "private key of a recipient (ibm,esm)");
}

}  // namespace sealift::cli
