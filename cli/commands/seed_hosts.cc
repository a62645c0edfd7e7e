// SPDX-License-Identifier: Apache-2.0
/// sealift seed hosts: whom the security module has enrolled, by the names that sealift revoke takes.
#include "cli/commands/seed_hosts.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/cloud/seeds.h"
#include "crypto/x509.h"
#include "sealift/v1/security_module.pb.h"

namespace sealift::cli {
namespace {

Status list_hosts(const CloudOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options));
  SEALIFT_TRY(const auto security_module, cloud.security_module());
  auto hosts = Json::array();
  std::string text;
  SEALIFT_CHECK(for_each_enrolled_host(*security_module, [&](const v1::EnrolledHost& host) {
    const auto name = to_hex(as_bytes(host.storage_key_name()));
    const auto key = to_hex(as_bytes(host.hardware_key_hash()));
    const auto since = crypto::utc_text(host.enrolled_at());
    hosts.push_back(Json{{"host", name}, {"hardware_key", key}, {"enrolled_at", since}});
    text += fmt::format("host {}\n  key {}, enrolled {}\n", name, key, since);
  }));
  return context.report(Json{{"hosts", hosts}}, text.empty() ? "no hosts\n" : text);
}

}  // namespace

void declare_seed_hosts(Command& group) {
  const auto options = std::make_shared<CloudOptions>();
  auto command = group.command("hosts", "The hosts that it has enrolled, as sealift revoke names them",
                               "sealift seed hosts --json",
                               [options](Context& context) { return list_hosts(*options, context); });
  declare_cloud(command, *options);
}

}  // namespace sealift::cli
