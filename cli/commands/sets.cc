// SPDX-License-Identifier: Apache-2.0
/// sealift set: images sealed ahead to sets of hosts, so that a launch there needs no security module.
#include "cli/commands/sets.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/cloud/event_text.h"
#include "cli/cloud/sealed_heads.h"
#include "cli/cloud/seeds.h"
#include "sealift/v1/security_module.pb.h"

namespace sealift::cli {
namespace {

struct SetOptions {
  CloudOptions cloud;
  std::string name;
  std::vector<std::string> hosts;
  std::vector<std::string> labels;
  std::vector<std::string> images;
  bool all = false;
  std::uint32_t rate = 0;
};

std::string method(const char* name) { return std::string{"sealift.v1.HostSetService."} + name; }

Result<std::string> host_name(const std::string& hex) {
  const auto name = from_hex(hex);
  if (name && !name->empty()) return std::string{as_text(*name)};
  return fail(ErrorCode::invalid_argument,
              "a host is the name of its storage key in hexadecimal: sealift seed hosts", "--host");
}

Result<std::vector<std::string>> host_names(const SetOptions& options) {
  std::vector<std::string> names;
  for (const auto& hex : options.hosts) {
    SEALIFT_TRY(names.emplace_back(), host_name(hex));
  }
  return names;
}

Result<std::vector<std::string>> all_enrolled(rpc::Channel& security_module) {
  std::vector<std::string> names;
  SEALIFT_CHECK(for_each_enrolled_host(
      security_module, [&](const v1::EnrolledHost& host) { names.push_back(host.storage_key_name()); }));
  return names;
}

Json set_json(const v1::HostSet& set) {
  Json labels = Json::object();
  for (const auto& [name, value] : set.labels()) labels[name] = value;
  Json json{{"set", set.name()}, {"labels", labels}, {"host_count", set.host_count()}};
  if (set.hosts().empty()) return json;
  auto hosts = Json::array();
  for (const auto& host : set.hosts()) hosts.push_back(to_hex(as_bytes(host)));
  json["hosts"] = hosts;
  return json;
}

std::string set_text(const v1::HostSet& set) {
  std::string labels;
  for (const auto& [name, value] : set.labels())
    labels += fmt::format("  {}={}", printable(name), printable(value));
  auto text = fmt::format("{:<24} {:>4} hosts{}\n", printable(set.name()), set.host_count(), labels);
  for (const auto& host : set.hosts()) text += fmt::format("  {}\n", to_hex(as_bytes(host)));
  return text;
}

Result<v1::HostSet> get(rpc::Channel& security_module, const std::string& name) {
  v1::GetSetRequest request;
  request.set_name(name);
  return security_module.call<v1::HostSet>(method("GetSet"), request);
}

Result<v1::HostSet> put(rpc::Channel& security_module, const v1::HostSet& set) {
  v1::PutSetRequest request;
  *request.mutable_set() = set;
  return security_module.call<v1::HostSet>(method("PutSet"), request);
}

Status create(const SetOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto security_module, cloud.security_module());
  v1::HostSet set;
  set.set_name(options.name);
  for (const auto& label : options.labels) {
    const auto equals = label.find('=');
    if (equals == std::string::npos)
      return fail(ErrorCode::invalid_argument, "a label is NAME=VALUE", "--label");
    (*set.mutable_labels())[label.substr(0, equals)] = label.substr(equals + 1);
  }
  SEALIFT_TRY(const auto names, options.all ? all_enrolled(*security_module) : host_names(options));
  for (const auto& name : names) set.add_hosts(name);
  SEALIFT_TRY(const auto made, put(*security_module, set));
  return context.report(set_json(made), set_text(made));
}

Status list(const SetOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto security_module, cloud.security_module());
  auto sets = Json::array();
  std::string text;
  v1::ListSetsRequest request;
  for (bool more = true; more;) {
    SEALIFT_TRY(const auto page, security_module->call<v1::ListSetsResponse>(method("ListSets"), request));
    for (const auto& set : page.sets()) {
      sets.push_back(set_json(set));
      text += set_text(set);
    }
    more = page.more() && page.sets_size() > 0;
    if (more) request.set_after(page.sets(page.sets_size() - 1).name());
  }
  return context.report(Json{{"sets", sets}}, text.empty() ? "no sets\n" : text);
}

/// With the images that are sealed to it.
Status show(const SetOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto security_module, cloud.security_module());
  SEALIFT_TRY(const auto frontend, cloud.frontend());
  SEALIFT_TRY(const auto set, get(*security_module, options.name));
  SEALIFT_TRY(const auto images, images_of_set(*frontend, options.name));
  auto json = set_json(set);
  json["images"] = images;
  auto text = set_text(set);
  for (const auto& image : images) text += fmt::format("  image {}\n", printable(image));
  return context.report(json, text);
}

Status add(const SetOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto security_module, cloud.security_module());
  SEALIFT_TRY(auto set, get(*security_module, options.name));
  SEALIFT_TRY(const auto names, host_names(options));
  for (const auto& name : names) {
    if (std::find(set.hosts().begin(), set.hosts().end(), name) == set.hosts().end()) set.add_hosts(name);
  }
  SEALIFT_TRY(const auto changed, put(*security_module, set));
  return context.report(set_json(changed), set_text(changed) +
                                               "images are sealed to the new ones with: sealift set reseal " +
                                               printable(options.name) + "\n");
}

/// From the set first: what is sealed again meanwhile does not have them either.
Status remove(const SetOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto security_module, cloud.security_module());
  SEALIFT_TRY(const auto frontend, cloud.frontend());
  SEALIFT_TRY(auto set, get(*security_module, options.name));
  SEALIFT_TRY(const auto names, host_names(options));
  auto& hosts = *set.mutable_hosts();
  hosts.erase(std::remove_if(hosts.begin(), hosts.end(),
                             [&](const auto& host) {
                               return std::find(names.begin(), names.end(), host) != names.end();
                             }),
              hosts.end());
  SEALIFT_TRY(const auto changed, put(*security_module, set));
  SEALIFT_TRY(const auto images, images_of_set(*frontend, options.name));
  SEALIFT_TRY(const auto sealed, seal_ahead(cloud, changed, images, options.rate, context.progress()));
  auto json = set_json(changed);
  json["images"] = sealed.images;
  return context.report(json,
                        set_text(changed) + fmt::format("{} images are sealed to it now\n", sealed.images));
}

Status delete_set(const SetOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto security_module, cloud.security_module());
  SEALIFT_TRY(const auto frontend, cloud.frontend());
  SEALIFT_TRY(const auto images, take_out_set(*frontend, options.name));
  v1::DeleteSetRequest request;
  request.set_name(options.name);
  SEALIFT_CHECK(security_module->call<v1::DeleteSetResponse>(method("DeleteSet"), request));
  return context.report(Json{{"deleted", options.name}, {"images", images}},
                        fmt::format("deleted; {} images are not sealed to it any more\n", images));
}

Status report(const SealedAhead& sealed, const std::string& set, Context& context) {
  auto refused = Json::array();
  auto text =
      fmt::format("{} images are sealed to {}: {} seals\n", sealed.images, printable(set), sealed.seals);
  for (const auto& [what, why] : sealed.refused) {
    refused.push_back(Json{{"what", what},
                           {"code", name(why.code)},
                           {"field", why.field},
                           {"message", why.message},
                           {"remedy", remedy(why.code)}});
    text += fmt::format("refused: {}\n  {} at {}: {}. {}\n", printable(what), name(why.code),
                        printable(why.field), printable(why.message), remedy(why.code));
  }
  SEALIFT_CHECK(context.report(
      Json{{"set", set}, {"images", sealed.images}, {"seals", sealed.seals}, {"refused", refused}}, text));
  if (sealed.refused.empty()) return {};
  return fail(ErrorCode::failed_precondition,
              fmt::format("{} of what was asked for was refused: see above", sealed.refused.size()), "set");
}

Result<std::vector<std::string>> all_seeds(rpc::Channel& security_module) {
  std::vector<std::string> ids;
  v1::ListSeedsRequest request;
  for (bool more = true; more;) {
    SEALIFT_TRY(const auto page,
                security_module.call<v1::ListSeedsResponse>("sealift.v1.SeedService.ListSeeds", request));
    for (const auto& seed : page.seeds()) ids.push_back(seed.image_id());
    more = page.more() && page.seeds_size() > 0;
    if (more) request.set_after(ids.back());
  }
  return ids;
}

Status seal(const SetOptions& options, bool again, Context& context) {
  if (!again && options.all == !options.images.empty())
    return fail(ErrorCode::invalid_argument, "name images, or --all", "IMAGE-ID");
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto security_module, cloud.security_module());
  SEALIFT_TRY(const auto set, get(*security_module, options.name));
  auto images = options.images;
  if (again) {
    SEALIFT_TRY(const auto frontend, cloud.frontend());
    SEALIFT_TRY(images, images_of_set(*frontend, options.name));
  } else if (options.all) {
    SEALIFT_TRY(images, all_seeds(*security_module));
  }
  SEALIFT_TRY(const auto sealed, seal_ahead(cloud, set, images, options.rate, context.progress()));
  return report(sealed, options.name, context);
}

using Run = Status (*)(const SetOptions&, Context&);

class Group {
 public:
  explicit Group(Command root)
      : group_{root.group("set",
                          "Sets of hosts: images sealed ahead, so that a launch needs no security module",
                          "sealift set seal fleet --all")} {}

  /// With what every one of them has.
  std::pair<Command, std::shared_ptr<SetOptions>> command(const char* name, const char* help,
                                                          const char* example, Run run, bool named = true) {
    auto options = std::make_shared<SetOptions>();
    auto made = group_.command(name, help, example,
                               [options, run](Context& context) { return run(*options, context); });
    if (named) made.text("SET", options->name, "SET", "the set's name", Need::required);
    declare_cloud(made, options->cloud);
    return {made, options};
  }

 private:
  Command group_;
};

constexpr const char* kRateHelp = "seals a second at most (default: as many as it can)";

}  // namespace

void declare_sets(Command root) {
  Group group{root};
  auto [create_set, create_options] =
      group.command("create", "Name some of the hosts that your security module has enrolled",
                    "sealift set create fleet --host 000b… --host 000b… --label rack=7", create);
  create_set.texts("--host", create_options->hosts, kHex, "as sealift seed hosts names it; may be repeated")
      .flag("--all", create_options->all, "all that are enrolled")
      .texts("--label", create_options->labels, "NAME=VALUE", "for you to tell it by");
  group.command("list", "Your sets", "sealift set list", list, false);
  group.command("show", "A set's hosts, and the images that are sealed to it", "sealift set show fleet",
                show);
  auto [add_hosts, add_options] =
      group.command("add", "More hosts", "sealift set add fleet --host 000b…", add);
  add_hosts.texts("--host", add_options->hosts, kHex, "may be repeated", Need::required);
  auto [remove_hosts, remove_options] =
      group.command("remove", "Fewer hosts: their slots are taken out of the images",
                    "sealift set remove fleet --host 000b…", remove);
  remove_hosts.texts("--host", remove_options->hosts, kHex, "may be repeated", Need::required)
      .number("--rate", remove_options->rate, kRateHelp);
  group.command("delete", "The set, and what was sealed to it", "sealift set delete fleet", delete_set);
  auto [seal_images, seal_options] = group.command(
      "seal", "Seal images to every host of the set, and keep that with them in the cloud",
      "sealift set seal fleet 0f3c…\nsealift set seal fleet --all --rate 500      again after an "
      "interruption: it goes on",
      [](const SetOptions& options, Context& context) { return seal(options, false, context); });
  seal_images
      .texts("IMAGE-ID", seal_options->images, "IMAGE-ID", "uploaded, with its seed in the security module")
      .flag("--all", seal_options->all, "all that have a seed in the security module")
      .number("--rate", seal_options->rate, kRateHelp);
  auto [reseal_images, reseal_options] = group.command(
      "reseal", "Seal the images of the set again, to the hosts that it has now", "sealift set reseal fleet",
      [](const SetOptions& options, Context& context) { return seal(options, true, context); });
  reseal_images.number("--rate", reseal_options->rate, kRateHelp);
}

}  // namespace sealift::cli
