// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/adapters/zone_service.h"

namespace sealift::orchestrator {
namespace {

using rpc::Call;
using rpc::Role;

const rpc::Allow& front_ends() {
  static const auto allow = rpc::Allow::roles({Role::frontend});
  return allow;
}

std::string method(const char* name) { return std::string{"sealift.v1.ZoneService."} + name; }

void register_streams(rpc::Router& router, Watches& watches, ConsoleStreams& consoles) {
  router.server_stream<v1::LaunchEvent, v1::ZoneWatchLaunchRequest>(
      method("WatchLaunch"), front_ends(),
      [&watches](const Call&, const v1::ZoneWatchLaunchRequest& request,
                 rpc::Stream<v1::LaunchEvent> stream) {
        return watches.add(request.tenant(), request.request(), std::move(stream));
      });
  router.server_stream<v1::ConsoleChunk, v1::ZoneWatchConsoleRequest>(
      method("WatchConsole"), front_ends(),
      [&consoles](const Call&, const v1::ZoneWatchConsoleRequest& request,
                  rpc::Stream<v1::ConsoleChunk> stream) { return consoles.add(request, std::move(stream)); });
}

void register_keep_key(rpc::Router& router, CustomerRequests& requests) {
  router.unary<v1::Target, v1::ZoneGetTargetRequest>(
      method("GetTarget"), front_ends(), [&requests](const Call&, const v1::ZoneGetTargetRequest& request) {
        return requests.target(request.tenant(), request.request().launch_id());
      });
  router.unary<v1::ChallengeTargetResponse, v1::ZoneChallengeTargetRequest>(
      method("ChallengeTarget"), front_ends(),
      [&requests](const Call&, const v1::ZoneChallengeTargetRequest& request) {
        return requests.challenge(request.tenant(), request.request());
      });
  router.unary<v1::Launch, v1::ZoneAuthorizeTargetRequest>(
      method("AuthorizeTarget"), front_ends(),
      [&requests](const Call&, const v1::ZoneAuthorizeTargetRequest& request) {
        return requests.authorize(request.tenant(), request.request());
      });
  router.unary<v1::Launch, v1::ZoneRefuseTargetRequest>(
      method("RefuseTarget"), front_ends(),
      [&requests](const Call&, const v1::ZoneRefuseTargetRequest& request) {
        return requests.refuse(request.tenant(), request.request());
      });
}

v1::Host to_message(const store::HostRecord& record, std::int64_t answering_since) {
  v1::Host host;
  host.set_host_id(record.host_id);
  host.set_tee(record.tee);
  host.set_arch(record.arch);
  host.set_zone(record.zone);
  host.set_cpus(static_cast<std::uint32_t>(record.cpus));
  host.set_free_cpus(static_cast<std::uint32_t>(std::max<std::int64_t>(0, record.free_cpus)));
  host.set_memory_mib(static_cast<std::uint32_t>(record.memory_mib));
  host.set_free_memory_mib(static_cast<std::uint32_t>(std::max<std::int64_t>(0, record.free_memory_mib)));
  host.mutable_labels()->insert(record.labels.begin(), record.labels.end());
  host.set_firmware(record.firmware);
  host.set_draining(record.draining);
  host.set_answering(record.last_seen_ms >= answering_since);
  host.set_last_seen_ms(record.last_seen_ms);
  return host;
}

}  // namespace

void register_zone_service(rpc::Router& router, CustomerRequests& requests, Watches& watches,
                           ConsoleStreams& consoles) {
  router.unary<v1::Launch, v1::ZoneCreateLaunchRequest>(
      method("CreateLaunch"), front_ends(),
      [&requests](const Call&, const v1::ZoneCreateLaunchRequest& request) {
        return requests.create(request);
      });
  router.unary<v1::Launch, v1::ZoneGetLaunchRequest>(
      method("GetLaunch"), front_ends(), [&requests](const Call&, const v1::ZoneGetLaunchRequest& request) {
        return requests.get(request.tenant(), request.request().launch_id());
      });
  router.unary<v1::ListLaunchesResponse, v1::ZoneListLaunchesRequest>(
      method("ListLaunches"), front_ends(),
      [&requests](const Call&, const v1::ZoneListLaunchesRequest& request) {
        return requests.list(request.tenant(), request.request());
      });
  router.unary<v1::ListUsageResponse, v1::ZoneListUsageRequest>(
      method("ListUsage"), front_ends(), [&requests](const Call&, const v1::ZoneListUsageRequest& request) {
        return requests.usage(request.tenant(), request.request());
      });
  router.unary<v1::Launch, v1::ZoneStopLaunchRequest>(
      method("StopLaunch"), front_ends(), [&requests](const Call&, const v1::ZoneStopLaunchRequest& request) {
        return requests.stop(request.tenant(), request.request().launch_id());
      });
  register_streams(router, watches, consoles);
  register_keep_key(router, requests);
}

void register_inventory_service(rpc::Router& router, store::HostStore& hosts, const Clock& clock,
                                const Limits& limits) {
  constexpr std::uint32_t kMaxPage = 1000;
  const auto allow = rpc::Allow::roles({Role::administrator});
  router.unary<v1::ListHostsResponse, v1::ListHostsRequest>(
      "sealift.v1.InventoryService.ListHosts", allow,
      [&](const Call&, const v1::ListHostsRequest& request) -> Result<v1::ListHostsResponse> {
        const auto limit = request.limit() == 0 ? kMaxPage : std::min(request.limit(), kMaxPage);
        SEALIFT_TRY(const auto records, hosts.list(request.after(), static_cast<int>(limit)));
        v1::ListHostsResponse response;
        const auto since = now_ms(clock) - limits.host_silence.count();
        for (const auto& record : records) *response.add_hosts() = to_message(record, since);
        response.set_more(records.size() == limit);
        return response;
      });
  router.unary<v1::SetDrainingResponse, v1::SetDrainingRequest>(
      "sealift.v1.InventoryService.SetDraining", allow,
      [&](const Call&, const v1::SetDrainingRequest& request) -> Result<v1::SetDrainingResponse> {
        SEALIFT_CHECK(hosts.set_draining(request.host_id(), request.draining()));
        return v1::SetDrainingResponse{};
      });
}

}  // namespace sealift::orchestrator
