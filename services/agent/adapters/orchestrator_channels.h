// SPDX-License-Identifier: Apache-2.0
/// The orchestrator's replicas, each through a channel of its own; one at a time is used.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "rpc/client.h"
#include "services/agent/domain/ports.h"

namespace sealift::agent {

class OrchestratorChannels final : public Orchestrator {
 public:
  /// `addresses`: "host:port", at least one. They are to be the orchestrator of our own trust domain.
  static Result<std::unique_ptr<OrchestratorChannels>> create(
      const std::vector<std::string>& addresses, const std::shared_ptr<rpc::Credentials>& credentials);

  Result<v1::RegisterResponse> register_host(const v1::RegisterRequest& request) override;
  Result<v1::HeartbeatResponse> heartbeat(const v1::HeartbeatRequest& request) override;
  Status stream_commands(const std::function<Status(const v1::Command&)>& on_command,
                         const std::stop_token& stop) override;
  Status complete(const v1::CompleteCommandRequest& request) override;
  Status report(const v1::ReportInstanceRequest& request) override;
  void try_another() override { ++present_; }

  /// Every call that waits ends with `canceled`, and so do all later ones.
  void close() { closed_.request_stop(); }

 private:
  explicit OrchestratorChannels(std::vector<std::unique_ptr<rpc::Channel>> channels)
      : channels_{std::move(channels)} {}
  rpc::Channel& channel() { return *channels_[present_ % channels_.size()]; }
  rpc::CallOptions within(std::chrono::milliseconds limit) const;

  std::vector<std::unique_ptr<rpc::Channel>> channels_;
  std::atomic<std::size_t> present_ = 0;
  std::stop_source closed_;
};

}  // namespace sealift::agent
