// SPDX-License-Identifier: Apache-2.0
/// sealift images, hosts, seeds: what the cloud and the security module have.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/cloud/cloud.h"
#include "cli/cloud/seeds.h"
#include "cli/cloud/upload.h"
#include "cli/commands/commands.h"
#include "cli/commands/host_check.h"
#include "cli/commands/seed_hosts.h"
#include "cli/inputs.h"
#include "sealift/v1/security_module.pb.h"
#include "sealift/v1/zone.pb.h"

namespace sealift::cli {
namespace {

const char* state_text(v1::Image::State state) {
  return state == v1::Image::STATE_READY ? "ready" : "uploading";
}

Json image_json(const v1::Image& image) {
  auto files = Json::array();
  for (const auto& file : image.files()) {
    files.push_back(Json{{"file", file.name()}, {"size", file.size()}, {"received", file.received()}});
  }
  return Json{{"image_id", image.image_id()}, {"state", state_text(image.state())}, {"tee", image.tee()},
              {"arch", image.arch()},         {"memory_mib", image.memory_mib()},   {"files", files}};
}

std::string image_row(const v1::Image& image) {
  std::uint64_t size = 0;
  for (const auto& file : image.files()) size += file.size();
  return fmt::format("{:<32}  {:<9}  {:<8}  {:<8}  {:>6} MiB of memory  {:>8} MB\n",
                     printable(image.image_id()), state_text(image.state()), printable(image.tee()),
                     printable(image.arch()), image.memory_mib(), size / 1'000'000);
}

Status list_images(const CloudOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options));
  SEALIFT_TRY(const auto frontend, cloud.frontend());
  auto images = Json::array();
  std::string text;
  v1::ListImagesRequest request;
  for (bool more = true; more;) {
    SEALIFT_TRY(const auto page,
                frontend->call<v1::ListImagesResponse>("sealift.v1.ImageService.ListImages", request));
    for (const auto& image : page.images()) {
      images.push_back(image_json(image));
      text += image_row(image);
    }
    more = page.more() && page.images_size() > 0;
    if (more) request.set_after(page.images(page.images_size() - 1).image_id());
  }
  return context.report(Json{{"images", images}}, text.empty() ? "no images\n" : text);
}

struct ImageOptions {
  CloudOptions cloud;
  Path directory;
  Path reference;
  std::string image_id;
};

Status upload(const ImageOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto frontend, cloud.frontend());
  SEALIFT_TRY(const auto image,
              upload_image(*frontend, options.directory, options.reference, context.progress()));
  return context.report(image_json(image), image_row(image));
}

Status remove_image(const ImageOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto frontend, cloud.frontend());
  v1::DeleteImageRequest request;
  request.set_image_id(options.image_id);
  SEALIFT_CHECK(frontend->call<v1::DeleteImageResponse>("sealift.v1.ImageService.DeleteImage", request));
  return context.report(Json{{"deleted", options.image_id}}, "deleted\n");
}

std::string host_row(const v1::Host& host) {
  const char* state = host.draining() ? "draining" : (host.answering() ? "answers" : "silent");
  return fmt::format("{:<20}  {:<8}  {:<8}  {:<8}  {:<12}  {:>3} of {:>3} CPU  {:>7} of {:>7} MiB free\n",
                     printable(host.host_id()), state, printable(host.tee()), printable(host.arch()),
                     printable(host.zone()), host.free_cpus(), host.cpus(), host.free_memory_mib(),
                     host.memory_mib());
}

Json host_json(const v1::Host& host) {
  return Json{{"host_id", host.host_id()},
              {"tee", host.tee()},
              {"arch", host.arch()},
              {"zone", host.zone()},
              {"cpus", host.cpus()},
              {"free_cpus", host.free_cpus()},
              {"memory_mib", host.memory_mib()},
              {"free_memory_mib", host.free_memory_mib()},
              {"firmware", host.firmware()},
              {"draining", host.draining()},
              {"answering", host.answering()}};
}

Status list_hosts(const CloudOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options));
  SEALIFT_TRY(const auto orchestrator, cloud.orchestrator());
  auto hosts = Json::array();
  std::string text;
  v1::ListHostsRequest request;
  for (bool more = true; more;) {
    SEALIFT_TRY(const auto page,
                orchestrator->call<v1::ListHostsResponse>("sealift.v1.InventoryService.ListHosts", request));
    for (const auto& host : page.hosts()) {
      hosts.push_back(host_json(host));
      text += host_row(host);
    }
    more = page.more() && page.hosts_size() > 0;
    if (more) request.set_after(page.hosts(page.hosts_size() - 1).host_id());
  }
  return context.report(Json{{"hosts", hosts}}, text.empty() ? "no hosts\n" : text);
}

struct DrainOptions {
  CloudOptions cloud;
  std::string host;
};

Status set_draining(const DrainOptions& options, bool draining, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto orchestrator, cloud.orchestrator());
  v1::SetDrainingRequest request;
  request.set_host_id(options.host);
  request.set_draining(draining);
  SEALIFT_CHECK(
      orchestrator->call<v1::SetDrainingResponse>("sealift.v1.InventoryService.SetDraining", request));
  return context.report(
      Json{{"host_id", options.host}, {"draining", draining}},
      draining ? "draining: it gets no new guests; those that run stay\n" : "it gets guests again\n");
}

void declare_draining(Command group, const char* name, bool draining, const char* help) {
  const auto options = std::make_shared<DrainOptions>();
  auto command = group.command(
      name, help, fmt::format("sealift host {} host-1 --cloud operator.json", name),
      [options, draining](Context& context) { return set_draining(*options, draining, context); });
  command.text("HOST", options->host, "HOST", "as sealift hosts names it", Need::required);
  declare_cloud(command, options->cloud);
}

struct SeedOptions {
  CloudOptions cloud;
  std::string image_id;
  Path seed;
  std::string tee = "measured";
  bool plain = false;
  ApprovalOptions approval;
};

Status insert_seed(const SeedOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_CHECK(put_seed(cloud, options.image_id, options.seed, options.approval, options.tee,
                         options.plain ? Insertion::insecurely_plain : Insertion::secure));
  return context.report(Json{{"image_id", options.image_id}}, "the security module has the image's seed\n");
}

Status list_seeds(const SeedOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto security_module, cloud.security_module());
  auto seeds = Json::array();
  std::string text;
  v1::ListSeedsRequest request;
  for (bool more = true; more;) {
    SEALIFT_TRY(const auto page,
                security_module->call<v1::ListSeedsResponse>("sealift.v1.SeedService.ListSeeds", request));
    for (const auto& seed : page.seeds()) {
      auto references = Json::array();
      std::string states = printable(seed.policy().approved_pcrs());
      for (const auto& one : seed.policy().references()) {
        references.push_back(Json{{"name", one.name()}, {"pcrs", one.pcrs()}});
        states += fmt::format("{}{}", states.empty() ? "" : ", ", printable(one.name()));
      }
      if (!seed.policy().approver().empty()) states += states.empty() ? "its approver's" : ", its approver's";
      seeds.push_back(Json{
          {"image_id", seed.image_id()},
          {"profile", seed.policy().profile()},
          {"approved_pcrs", seed.policy().approved_pcrs()},
          {"references", references},
          {"approver", seed.policy().approver().empty() ? Json(nullptr)
                                                        : Json(to_hex(as_bytes(seed.policy().approver())))},
          {"authorizations", seed.authorizations()}});
      text += fmt::format("{:<32}  {} hosts authorized  {}\n", printable(seed.image_id()),
                          seed.authorizations(), states);
    }
    more = page.more() && page.seeds_size() > 0;
    if (more) request.set_after(page.seeds(page.seeds_size() - 1).image_id());
  }
  return context.report(Json{{"seeds", seeds}}, text.empty() ? "no seeds\n" : text);
}

Status delete_seed(const SeedOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto security_module, cloud.security_module());
  v1::DeleteSeedRequest request;
  request.set_image_id(options.image_id);
  SEALIFT_CHECK(security_module->call<v1::DeleteSeedResponse>("sealift.v1.SeedService.DeleteSeed", request));
  return context.report(Json{{"deleted", options.image_id}},
                        "deleted, with the authorizations made from it\n");
}

void declare_seed_commands(Command root) {
  auto group = root.group("seed", "Seeds in your security module (BYOK)", "sealift seed list");
  const auto options = std::make_shared<SeedOptions>();
  auto put = group.command(
      "put", "Give it an image's seed, and say on which hosts it may be used",
      "sealift seed put 0f3c… --seed image.seed --policy image.policy.toml\n"
      "sealift seed put 0f3c… --seed image.seed --root vendor-root.pem --reference approved.log",
      [options](Context& context) { return insert_seed(*options, context); });
  put.text("IMAGE", options->image_id, "IMAGE-ID", "whose seed", Need::required)
      .path("--seed", options->seed, kFile, "the seed", Need::required)
      .choice("--tee", options->tee, {"measured", "pef"}, "what the image is for (default: measured)");
  declare_approval(put, options->approval, Need::optional);
  declare_policy_file(put, options->approval);
  declare_insertion(put, options->plain);
  declare_cloud(put, options->cloud);

  auto list = group.command("list", "What it has", "sealift seed list --json",
                            [options](Context& context) { return list_seeds(*options, context); });
  declare_cloud(list, options->cloud);
  declare_seed_hosts(group);
  auto remove = group.command("delete", "Take a seed away, and the authorizations made from it",
                              "sealift seed delete 0f3c…",
                              [options](Context& context) { return delete_seed(*options, context); });
  remove.text("IMAGE", options->image_id, "IMAGE-ID", "whose seed", Need::required);
  declare_cloud(remove, options->cloud);
}

}  // namespace

void declare_cloud_image(Command image_group) {
  const auto options = std::make_shared<ImageOptions>();
  auto send = image_group.command("upload", "Send an image to the cloud; an interrupted upload goes on",
                                  "sealift image upload image",
                                  [options](Context& context) { return upload(*options, context); });
  send.path("IMAGE", options->directory, kDirectory, "the image directory", Need::required)
      .path("--reference", options->reference, kFile,
            "an approved machine's event log, so that hosts can explain refusals");
  declare_cloud(send, options->cloud);
  auto remove = image_group.command("delete", "Delete an image in the cloud", "sealift image delete 0f3c…",
                                    [options](Context& context) { return remove_image(*options, context); });
  remove.text("IMAGE", options->image_id, "IMAGE-ID", "from images", Need::required);
  declare_cloud(remove, options->cloud);
}

void declare_inventory(Command root) {
  const auto options = std::make_shared<CloudOptions>();
  auto images = root.command("images", "List your images in the cloud", "sealift images --json",
                             [options](Context& context) { return list_images(*options, context); });
  declare_cloud(images, *options);
  auto hosts = root.command("hosts", "List the zone's hosts (for its operators)",
                            "sealift hosts --cloud operator.json",
                            [options](Context& context) { return list_hosts(*options, context); });
  declare_cloud(hosts, *options);
  auto host = root.group("host", "One of the zone's hosts, or one to be (for its operators)",
                         "sealift host drain host-1\nsealift host check");
  declare_draining(host, "drain", true, "Give it no new guests; those that run stay");
  declare_draining(host, "resume", false, "Give it guests again");
  declare_host_check(host);
  declare_seed_commands(root);
}

}  // namespace sealift::cli
