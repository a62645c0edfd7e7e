// SPDX-License-Identifier: Apache-2.0
/// sealift esm show: what an operand says, and with its key whether that is true.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/commands/esm.h"
#include "cli/inputs.h"
#include "cli/opened_operand.h"
#include "cli/operand_file.h"

namespace sealift::cli {
namespace {

using formats::Description;
using formats::Format;

struct ShowOptions {
  Path file;
  OperandKey key;
};

Json targets_json(const Description& description) {
  auto list = Json::array();
  for (const auto& target : description.targets) {
    list.push_back(
        {{"storage_key_name", to_hex(target.storage_key_name)}, {"policy", to_hex(target.policy)}});
  }
  return list;
}

Json lockboxes_json(const Description& description) {
  auto list = Json::array();
  for (const auto& lockbox : description.lockboxes) {
    list.push_back(
        {{"name", lockbox.name}, {"fingerprint", to_hex(lockbox.fingerprint)}, {"comment", lockbox.comment}});
  }
  return list;
}

Json description_json(const Description& description) {
  Json document{{"format", formats::name(description.format)}, {"size", description.total_size}};
  if (description.image_id) document["image_id"] = description.image_id->hex();
  if (description.format == Format::sealift_esm_v1) {
    document["targets"] = targets_json(description);
  } else {
    document["lockboxes"] = lockboxes_json(description);
  }
  auto payload = Json::array();
  for (const auto& entry : description.payload)
    payload.push_back({{"name", entry.name}, {"size", entry.size}});
  document["payload"] = std::move(payload);
  return document;
}

Json digests_json(const esm::IntegrityInformation& integrity) {
  Json digests{{"algorithm", "SHA512"},
               {"kernel", to_hex(integrity.kernel.view())},
               {"initramfs", to_hex(integrity.initrd.view())},
               {"cmdline", to_hex(integrity.bootargs.view())}};
  if (integrity.rtas) digests["rtas"] = to_hex(integrity.rtas->view());
  if (integrity.kernel_size) digests["kernel_size"] = *integrity.kernel_size;
  return digests;
}

/// "valid", or the code of what is wrong: "hmac_differs".
std::string verdict_of(const Result<esm::IntegrityInformation>& opened) {
  return opened ? "valid" : std::string{name(opened.error().code)};
}

std::string description_text(const Description& description) {
  auto text = fmt::format("{:<9} {}, {} bytes\n", "format", formats::name(description.format),
                          description.total_size);
  if (description.image_id) text += fmt::format("{:<9} {}\n", "image", description.image_id->hex());
  for (const auto& target : description.targets) {
    text += fmt::format("{:<9} storage key {}\n{:<9} policy      {}\n", "target",
                        to_hex(target.storage_key_name), "", to_hex(target.policy));
  }
  if (description.format == Format::sealift_esm_v1 && description.targets.empty()) {
    text += "target    none: not sealed to any machine\n";
  }
  for (const auto& lockbox : description.lockboxes) {
    text += fmt::format("{:<9} {} {} {}\n", "lockbox", lockbox.name, to_hex(lockbox.fingerprint),
                        printable(lockbox.comment));
  }
  for (const auto& entry : description.payload) {
    text += fmt::format("{:<9} {}, {} bytes\n", "payload", printable(entry.name), entry.size);
  }
  return text;
}

std::string opened_text(const Result<esm::IntegrityInformation>& opened) {
  if (!opened) return fmt::format("{:<9} {}\n", "verdict", verdict_of(opened));
  auto text = fmt::format("{:<9} valid: the payload is what its key's owner sealed\n", "verdict");
  const auto add = [&text](const char* what, const crypto::Digest& digest) {
    text += fmt::format("{:<9} SHA512 {}\n", what, to_hex(digest.view()));
  };
  add("kernel", opened->kernel);
  add("initramfs", opened->initrd);
  add("cmdline", opened->bootargs);
  if (opened->rtas) add("rtas", *opened->rtas);
  return text;
}

/// What the key adds: for sealift,esm-v1 the HMAC and its verdict, for both the digests.
Status show_opened(const ShowOptions& options, const OperandFile& file, const Description& description,
                   Context& context) {
  const auto opened = open_integrity(file.operand(), description.format, options.key);
  if (!opened && kind(opened.error().code) != ErrorKind::refused) return tl::unexpected(opened.error());
  auto document = description_json(description);
  if (description.format == Format::sealift_esm_v1) {
    SEALIFT_TRY(const auto operand, esm::Operand::parse(file.operand()));
    document["hmac"] = {{"value", to_hex(operand.hmac())}, {"verdict", verdict_of(opened)}};
  }
  if (opened) document["digests"] = digests_json(*opened);
  document["verdict"] = verdict_of(opened);
  SEALIFT_CHECK(context.report(document, description_text(description) + opened_text(opened)));
  if (!opened) return tl::unexpected(opened.error());
  return {};
}

Status show(const ShowOptions& options, Context& context) {
  SEALIFT_TRY(const auto file, OperandFile::read(options.file));
  SEALIFT_TRY(const auto description, in_file(options.file, formats::describe(file.operand())));
  if (options.key.given()) return show_opened(options, file, description, context);
  return context.report(description_json(description), description_text(description));
}

}  // namespace

void declare_esm_show(Command& group) {
  auto options = std::make_shared<ShowOptions>();
  group
      .command("show", "Show an operand; with its key, also the digests and whether they are genuine",
               "sealift esm show image/initramfs --seed image.seed --json\n"
               "sealift esm show vm.esm --key owner.pem",
               [options](Context& context) { return show(*options, context); })
      .path("FILE", options->file, kFile, "an operand, or an initramfs that starts with one", Need::required)
      .path("--seed", options->key.seed, kFile, "the image's seed (sealift,esm-v1)")
      .path("--key", options->key.key, "PEM", "private key of a recipient (ibm,esm)");
}

}  // namespace sealift::cli
