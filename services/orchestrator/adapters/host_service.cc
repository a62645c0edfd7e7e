// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/adapters/host_service.h"

namespace sealift::orchestrator {
namespace {

using rpc::Call;

std::string method(const char* name) { return std::string{"sealift.v1.HostService."} + name; }

}  // namespace

void register_host_service(rpc::Router& router, HostReports& reports, HostStreams& streams,
                           const Limits& limits) {
  const auto hosts = rpc::Allow::roles({rpc::Role::host});
  router.unary<v1::RegisterResponse, v1::RegisterRequest>(
      method("Register"), hosts,
      [&](const Call& call, const v1::RegisterRequest& request) -> Result<v1::RegisterResponse> {
        SEALIFT_CHECK(reports.register_host(call.caller.name, request.attributes()));
        v1::RegisterResponse response;
        response.set_heartbeat_interval_ms(static_cast<std::uint32_t>(limits.heartbeat_interval.count()));
        return response;
      });
  router.unary<v1::HeartbeatResponse, v1::HeartbeatRequest>(
      method("Heartbeat"), hosts,
      [&](const Call& call, const v1::HeartbeatRequest& request) -> Result<v1::HeartbeatResponse> {
        SEALIFT_TRY(const auto stop, reports.heartbeat(call.caller.name,
                                                       {request.running().begin(), request.running().end()}));
        v1::HeartbeatResponse response;
        response.mutable_stop()->Assign(stop.begin(), stop.end());
        return response;
      });
  router.server_stream<v1::Command, v1::StreamCommandsRequest>(
      method("StreamCommands"), hosts,
      [&](const Call& call, const v1::StreamCommandsRequest&, rpc::Stream<v1::Command> stream) -> Status {
        streams.add(call.caller.name, std::move(stream));
        return {};
      });
  router.unary<v1::CompleteCommandResponse, v1::CompleteCommandRequest>(
      method("CompleteCommand"), hosts,
      [&](const Call& call,
          const v1::CompleteCommandRequest& request) -> Result<v1::CompleteCommandResponse> {
        SEALIFT_CHECK(reports.complete(call.caller.name, request));
        return v1::CompleteCommandResponse{};
      });
  router.unary<v1::ReportInstanceResponse, v1::ReportInstanceRequest>(
      method("ReportInstance"), hosts,
      [&](const Call& call, const v1::ReportInstanceRequest& request) -> Result<v1::ReportInstanceResponse> {
        SEALIFT_CHECK(reports.report(call.caller.name, request));
        return v1::ReportInstanceResponse{};
      });
}

}  // namespace sealift::orchestrator
