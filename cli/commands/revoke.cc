// SPDX-License-Identifier: Apache-2.0
/// sealift revoke: trust taken back from machines, hosts and images.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/cloud/cloud.h"
#include "cli/cloud/sealed_heads.h"
#include "cli/cloud/seeds.h"
#include "cli/commands/revoke.h"
#include "crypto/x509.h"
#include "sealift/v1/revocations.pb.h"
#include "sealift/v1/security_module.pb.h"

namespace sealift::cli {
namespace {

constexpr std::string_view kService = "sealift.v1.RevocationService.";
std::string method(const char* name) { return std::string{kService} + name; }

struct RevokeOptions {
  CloudOptions cloud;
  std::string subject;
  bool reinstate = false;
  bool purge = false;
};

const char* name_of(v1::RevocationKind kind) {
  switch (kind) {
    case v1::REVOCATION_KIND_HARDWARE_KEY:
      return "key";
    case v1::REVOCATION_KIND_HOST:
      return "host";
    case v1::REVOCATION_KIND_IMAGE:
      return "image";
    default:
      return "unknown";
  }
}

Result<v1::Revocation> revocation(v1::RevocationKind kind, const std::string& hex) {
  const auto subject = from_hex(hex);
  if (!subject) return fail(ErrorCode::invalid_argument, "what to revoke is given in hexadecimal", "SUBJECT");
  v1::Revocation made;
  made.set_kind(kind);
  made.set_subject(std::string{as_text(*subject)});
  return made;
}

/// The hosts of that hardware key.
Result<std::vector<std::string>> hosts_of_key(rpc::Channel& channel, const std::string& hardware_key) {
  std::vector<std::string> names;
  SEALIFT_CHECK(for_each_enrolled_host(channel, [&](const v1::EnrolledHost& host) {
    if (host.hardware_key_hash() == hardware_key) names.push_back(host.storage_key_name());
  }));
  return names;
}

/// Out of the images that were sealed ahead: how many there were. What a host has fetched stays with it.
Result<std::uint32_t> take_out(const Cloud& cloud, rpc::Channel& channel, const v1::Revocation& one) {
  if (!cloud.has_frontend()) return 0;
  SEALIFT_TRY(const auto frontend, cloud.frontend());
  if (one.kind() == v1::REVOCATION_KIND_IMAGE)
    return take_out_image(*frontend, to_hex(as_bytes(one.subject())));
  if (one.kind() == v1::REVOCATION_KIND_HOST) return take_out_hosts(*frontend, {one.subject()});
  SEALIFT_TRY(const auto names, hosts_of_key(channel, one.subject()));
  return take_out_hosts(*frontend, names);
}

Error revoked_but(const Error& why) {
  auto error = why;
  error.message =
      "revoked in the security module; but it is not taken out of the images that were sealed ahead: " +
      why.message + ". Do it again";
  return error;
}

Status deprovision(rpc::Channel& channel, const v1::Revocation& host, const std::string& hex,
                   Context& context) {
  v1::DeprovisionHostRequest request;
  request.set_storage_key_name(host.subject());
  SEALIFT_TRY(const auto gone, channel.call<v1::DeprovisionHostResponse>(method("DeprovisionHost"), request));
  return context.report(
      Json{{"deprovisioned", hex}, {"authorizations", gone.authorizations()}},
      fmt::format("revoked, and {} authorizations forgotten. Have the machine's TPM seeds changed, too: "
                  "what is sealed to it stays readable there until then\n",
                  gone.authorizations()));
}

Status revoke(v1::RevocationKind kind, const RevokeOptions& options, Context& context) {
  SEALIFT_TRY(auto one, revocation(kind, options.subject));
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto channel, cloud.security_module());
  if (options.purge) {
    SEALIFT_CHECK(deprovision(*channel, one, options.subject, context));
    const auto taken = take_out(cloud, *channel, one);
    return taken ? Status{} : tl::unexpected(revoked_but(taken.error()));
  }
  if (options.reinstate) {
    v1::ReinstateRequest request;
    *request.mutable_revocation() = std::move(one);
    SEALIFT_CHECK(channel->call<v1::ReinstateResponse>(method("Reinstate"), request));
    return context.report(Json{{"reinstated", options.subject}, {"kind", name_of(kind)}}, "trusted again\n");
  }
  v1::RevokeRequest request;
  *request.mutable_revocation() = one;
  SEALIFT_CHECK(channel->call<v1::RevokeResponse>(method("Revoke"), request));
  const auto taken = take_out(cloud, *channel, one);
  if (!taken) return tl::unexpected(revoked_but(taken.error()));
  return context.report(
      Json{{"revoked", options.subject}, {"kind", name_of(kind)}, {"sealed_images", *taken}},
      fmt::format(
          "revoked: nothing is sealed for it any more, from now on; taken out of {} images that were sealed "
          "ahead\n",
          *taken));
}

Status list(const RevokeOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto channel, cloud.security_module());
  auto all = Json::array();
  std::string text;
  v1::ListRevocationsRequest request;
  for (bool more = true; more;) {
    SEALIFT_TRY(const auto page,
                channel->call<v1::ListRevocationsResponse>(method("ListRevocations"), request));
    for (const auto& one : page.revocations()) {
      const auto subject = to_hex(as_bytes(one.subject()));
      all.push_back(Json{{"kind", name_of(one.kind())},
                         {"subject", subject},
                         {"revoked_at", crypto::utc_text(one.revoked_at())}});
      text += fmt::format("{:<6} {}  {}\n", name_of(one.kind()), subject, crypto::utc_text(one.revoked_at()));
    }
    more = page.more() && page.revocations_size() > 0;
    if (more) *request.mutable_after() = page.revocations(page.revocations_size() - 1);
  }
  return context.report(Json{{"revocations", all}}, text.empty() ? "nothing is revoked\n" : text);
}

}  // namespace

void declare_revoke(Command root) {
  auto group = root.group("revoke", "Take trust back: your security module seals nothing for it any more",
                          "sealift revoke key 5e…c1");
  const auto declare = [&](const char* name, v1::RevocationKind kind, const char* help, const char* looks) {
    auto options = std::make_shared<RevokeOptions>();
    auto command =
        group.command(name, help, fmt::format("sealift revoke {} 0f3c…", name),
                      [options, kind](Context& context) { return revoke(kind, *options, context); });
    command.text("SUBJECT", options->subject, looks, "in hexadecimal", Need::required)
        .flag("--reinstate", options->reinstate, "take the revocation back");
    if (kind == v1::REVOCATION_KIND_HOST)
      command.flag("--purge", options->purge, "deprovision it: forget what was sealed to it as well");
    declare_cloud(command, options->cloud);
  };
  declare("key", v1::REVOCATION_KIND_HARDWARE_KEY, "A machine, by its hardware key's hash", "HASH");
  declare("host", v1::REVOCATION_KIND_HOST, "A host, by the name of its storage key", "NAME");
  declare("image", v1::REVOCATION_KIND_IMAGE, "An image: no host gets its seed any more", "IMAGE-ID");
  auto options = std::make_shared<RevokeOptions>();
  auto listing = group.command("list", "What is revoked", "sealift revoke list",
                               [options](Context& context) { return list(*options, context); });
  declare_cloud(listing, options->cloud);
}

}  // namespace sealift::cli
