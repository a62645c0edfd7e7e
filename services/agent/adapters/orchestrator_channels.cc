// SPDX-License-Identifier: Apache-2.0
#include "services/agent/adapters/orchestrator_channels.h"

namespace sealift::agent {
namespace {

constexpr std::chrono::milliseconds kCallTime{10'000};
/// A replica that does not even take these is left for another one soon.
constexpr std::chrono::milliseconds kSignOfLife{3'000};
/// Then the stream begins anew: a connection can be dead without either end knowing.
constexpr std::chrono::milliseconds kStreamTime{600'000};

}  // namespace

Result<std::unique_ptr<OrchestratorChannels>> OrchestratorChannels::create(
    const std::vector<std::string>& addresses, const std::shared_ptr<rpc::Credentials>& credentials) {
  if (addresses.empty()) return fail(ErrorCode::invalid_argument, "no orchestrator is named", "orchestrator");
  std::vector<std::unique_ptr<rpc::Channel>> channels;
  for (const auto& address : addresses) {
    rpc::ChannelOptions options;
    options.address = address;
    options.credentials = credentials;
    options.server = {credentials->identity().trust_domain, rpc::Role::orchestrator, {}};
    SEALIFT_TRY(channels.emplace_back(), rpc::Channel::create(std::move(options)));
  }
  return std::unique_ptr<OrchestratorChannels>{new OrchestratorChannels{std::move(channels)}};
}

rpc::CallOptions OrchestratorChannels::within(std::chrono::milliseconds limit) const {
  return {.timeout = limit, .trace = {}, .stop = closed_.get_token()};
}

Result<v1::RegisterResponse> OrchestratorChannels::register_host(const v1::RegisterRequest& request) {
  return channel().call<v1::RegisterResponse>("sealift.v1.HostService.Register", request,
                                              within(kSignOfLife));
}

Result<v1::HeartbeatResponse> OrchestratorChannels::heartbeat(const v1::HeartbeatRequest& request) {
  return channel().call<v1::HeartbeatResponse>("sealift.v1.HostService.Heartbeat", request,
                                               within(kSignOfLife));
}

Status OrchestratorChannels::stream_commands(const std::function<Status(const v1::Command&)>& on_command,
                                             const std::stop_token& stop) {
  const auto until = std::chrono::steady_clock::now() + kStreamTime;
  const auto ended =
      channel().stream<v1::Command>("sealift.v1.HostService.StreamCommands", v1::StreamCommandsRequest{},
                                    on_command, stop, {.timeout = kStreamTime, .trace = {}, .stop = {}});
  const bool is_renewal =
      !ended && ended.error().code == ErrorCode::timeout && std::chrono::steady_clock::now() >= until;
  return is_renewal ? Status{} : ended;
}

Status OrchestratorChannels::complete(const v1::CompleteCommandRequest& request) {
  SEALIFT_CHECK(channel().call<v1::CompleteCommandResponse>("sealift.v1.HostService.CompleteCommand", request,
                                                            within(kCallTime)));
  return {};
}

Status OrchestratorChannels::report(const v1::ReportInstanceRequest& request) {
  SEALIFT_CHECK(channel().call<v1::ReportInstanceResponse>("sealift.v1.HostService.ReportInstance", request,
                                                           within(kCallTime)));
  return {};
}

}  // namespace sealift::agent
