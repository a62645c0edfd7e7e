// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/adapters/launch_service.h"

namespace sealift::frontend {
namespace {

using rpc::Call;

constexpr std::string_view kService = "sealift.v1.LaunchService.";

std::string method(const char* name) { return std::string{kService} + name; }

const rpc::Allow& tenants() {
  static const auto allow = rpc::Allow::roles({rpc::Role::tenant});
  return allow;
}

template <class ZoneRequest, class Request>
ZoneRequest for_tenant(const Call& call, const Request& request) {
  ZoneRequest asked;
  asked.set_tenant(call.caller.name);
  *asked.mutable_request() = request;
  return asked;
}

/// The zone has a method of the same name, which takes the same request and the tenant.
template <class Response, class ZoneRequest, class Request>
void relay(rpc::Router& router, ZoneChannels& zone, const char* name) {
  router.unary<Response, Request>(
      method(name), tenants(), [&zone, name](const Call& call, const Request& request) {
        return zone.ask<Response>(call, name, for_tenant<ZoneRequest>(call, request));
      });
}

template <class Message, class ZoneRequest, class Request>
void relay_stream(rpc::Router& router, StreamRelays& relays, const char* name) {
  router.server_stream<Message, Request>(
      method(name), tenants(),
      [&relays](const Call& call, const Request& request, rpc::Stream<Message> stream) {
        return relays.add(call, for_tenant<ZoneRequest>(call, request), std::move(stream));
      });
}

}  // namespace

void register_launch_service(rpc::Router& router, Launches& launches, ZoneChannels& zone,
                             StreamRelays& relays) {
  router.unary<v1::Quote, v1::GetQuoteRequest>(method("GetQuote"), tenants(),
                                               [&](const Call& call, const v1::GetQuoteRequest& request) {
                                                 return launches.quote(call.caller.name, request);
                                               });
  router.unary<v1::Launch, v1::CreateLaunchRequest>(
      method("CreateLaunch"), tenants(), [&](const Call& call, const v1::CreateLaunchRequest& request) {
        ZoneDuringCall asked{zone, call};
        return launches.create(asked, call.caller.name, request);
      });
  relay<v1::Launch, v1::ZoneGetLaunchRequest, v1::GetLaunchRequest>(router, zone, "GetLaunch");
  relay<v1::ListLaunchesResponse, v1::ZoneListLaunchesRequest, v1::ListLaunchesRequest>(router, zone,
                                                                                        "ListLaunches");
  relay<v1::Launch, v1::ZoneStopLaunchRequest, v1::StopLaunchRequest>(router, zone, "StopLaunch");
  relay<v1::ListUsageResponse, v1::ZoneListUsageRequest, v1::ListUsageRequest>(router, zone, "ListUsage");
  relay<v1::Target, v1::ZoneGetTargetRequest, v1::GetTargetRequest>(router, zone, "GetTarget");
  relay<v1::ChallengeTargetResponse, v1::ZoneChallengeTargetRequest, v1::ChallengeTargetRequest>(
      router, zone, "ChallengeTarget");
  relay<v1::Launch, v1::ZoneAuthorizeTargetRequest, v1::AuthorizeTargetRequest>(router, zone,
                                                                                "AuthorizeTarget");
  relay<v1::Launch, v1::ZoneRefuseTargetRequest, v1::RefuseTargetRequest>(router, zone, "RefuseTarget");
  relay_stream<v1::LaunchEvent, v1::ZoneWatchLaunchRequest, v1::WatchLaunchRequest>(router, relays,
                                                                                    "WatchLaunch");
  relay_stream<v1::ConsoleChunk, v1::ZoneWatchConsoleRequest, v1::WatchConsoleRequest>(router, relays,
                                                                                       "WatchConsole");
}

}  // namespace sealift::frontend
