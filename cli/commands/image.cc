// SPDX-License-Identifier: Apache-2.0
/// sealift image: show an image, seal it to hosts, have one built.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/cancellation.h"
#include "cli/commands/commands.h"
#include "cli/commands/image.h"
#include "cli/inputs.h"
#include "cli/programs.h"
#include "cli/reference_log.h"
#include "cli/sealing.h"
#include "guest/image/image.h"

namespace sealift::cli {
namespace {

struct ShowOptions {
  Path directory;
  bool verify = false;
};

Json targets_of(const esm::Operand& operand) {
  auto targets = Json::array();
  for (const auto& target : operand.targets()) {
    targets.push_back(
        {{"storage_key_name", to_hex(target.storage_key_name)}, {"policy", to_hex(target.policy)}});
  }
  return targets;
}

std::string image_text(const image::ImageDirectory& image) {
  const auto& manifest = image.manifest();
  auto text = fmt::format("{:<10} {} for {}, {} MiB\n", "image", manifest.image_id.hex(), manifest.arch,
                          manifest.memory_mib);
  text += fmt::format("{:<10} {}\n", "cmdline", printable(image.cmdline()));
  const auto document = manifest_json(manifest);
  for (const auto& component : document["components"]) {
    text += fmt::format("{:<10} {} bytes, SHA512 {}…\n", component["file"].get<std::string>(),
                        component["size"].get<std::uint64_t>(),
                        component["sha512"].get<std::string>().substr(0, 16));
  }
  if (!image.has_operand()) return text + "operand    none: its owner keeps its customer data, for SEV\n";
  for (const auto& entry : image.operand().payload())
    text += fmt::format("{:<10} {}\n", "payload", entry.name);
  for (const auto& target : image.operand().targets()) {
    text += fmt::format("{:<10} storage key {}\n", "target", to_hex(target.storage_key_name));
  }
  if (image.operand().targets().empty()) text += "target     none: not sealed to any machine\n";
  return text;
}

void describe_operand(const esm::Operand& operand, Json& document) {
  auto payload = Json::array();
  for (const auto& entry : operand.payload()) {
    payload.push_back({{"name", entry.name}, {"size", entry.ciphertext.size()}});
  }
  document["payload"] = std::move(payload);
  document["targets"] = targets_of(operand);
}

Status show(const ShowOptions& options, Context& context) {
  SEALIFT_TRY(const auto image, image::ImageDirectory::open(options.directory));
  if (options.verify) SEALIFT_CHECK(image.verify_digests());
  auto document = manifest_json(image.manifest());
  document["command_line"] = image.cmdline();
  if (image.has_operand()) describe_operand(image.operand(), document);
  if (options.verify) document["verdict"] = "matches";
  return context.report(document,
                        image_text(image) + (options.verify ? "verdict    every file is as built\n" : ""));
}

void declare_show(Command& group) {
  auto options = std::make_shared<ShowOptions>();
  group
      .command("show", "Show what an image holds and which machines may open it",
               "sealift image show image --json\nsealift image show image --verify",
               [options](Context& context) { return show(*options, context); })
      .path("DIR", options->directory, kDirectory, "the image", Need::required)
      .flag("--verify", options->verify, "read every file and compare it with the manifest");
}

struct SealOptions {
  Path directory;
  Path seed;
  SealingOptions sealing;
};

Status seal(const SealOptions& options, Context& context) {
  SEALIFT_TRY(const auto image, image::ImageDirectory::open(options.directory));
  if (!image.has_operand()) {
    return fail(ErrorCode::unsupported,
                "an image for SEV is not sealed: its owner gives each launch its secret", "tee");
  }
  SEALIFT_TRY(const auto seed, read_seed(options.seed));
  SEALIFT_CHECK(check_seed(image.operand(), seed));
  SEALIFT_TRY(const auto made, make_targets(options.sealing, seed));
  std::vector<esm::Target> targets;
  targets.reserve(made.size());
  for (const auto& target : made) targets.push_back(target.target);
  SEALIFT_CHECK(check_not_cancelled());
  SEALIFT_TRY(const auto change, image::seal_image(options.directory, targets));
  if (!options.sealing.reference.empty()) {
    SEALIFT_CHECK(keep_reference_log(options.directory, options.sealing.reference));
  }
  return context.report(Json{{"image_id", image.manifest().image_id.hex()},
                             {"sealed", targets_json(made)},
                             {"targets", change.targets},
                             {"bytes_written", change.bytes_written}},
                        fmt::format("Sealed to {} machine(s); {} may open it now ({} bytes written)\n",
                                    made.size(), change.targets, change.bytes_written));
}

void declare_seal(Command& group) {
  auto options = std::make_shared<SealOptions>();
  auto command = group.command("seal", "Let machines open an image: writes a few kilobytes of it, in place",
                               "sealift image seal image --seed image.seed --host alpha.json \\\n"
                               "  --reference approved.eventlog",
                               [options](Context& context) { return seal(*options, context); });
  command.path("DIR", options->directory, kDirectory, "the image", Need::required)
      .path("--seed", options->seed, kFile, "the image's seed", Need::required);
  declare_sealing(command, options->sealing);
}

}  // namespace

void declare_image(Command root) {
  auto group = root.group("image", "Build images, show them, seal them to machines",
                          "sealift image build --root debian.tar --kernel linux-image.deb --out image --seed "
                          "image.seed");
  for (const auto& [name, help] :
       {std::pair{"build", kImageBuildHelp}, std::pair{"embed", kImageEmbedHelp}}) {
    group.passing(name, help, [name](Context&, std::vector<std::string> arguments) {
      arguments.insert(arguments.begin(), {"image", name});
      return become_program("sealift-image-build", std::move(arguments));
    });
  }
  declare_show(group);
  declare_seal(group);
  declare_cloud_image(group);
}

}  // namespace sealift::cli
