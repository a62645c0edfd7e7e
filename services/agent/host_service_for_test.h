// SPDX-License-Identifier: Apache-2.0
/// For tests: the orchestrator's end of HostService over the real wire, and sealift-agent as a process.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/process.h"
#include "rpc/testing/world.h"
#include "services/agent/domain/fakes_for_test.h"

namespace sealift::agent {

/// Serves one host. What it records is a FakeOrchestrator's; commands come again until they are completed.
class HostServiceDouble {
 public:
  explicit HostServiceDouble(rpc::testing::World& pki) : pki_{pki} { start(); }

  /// Ends every connection; the next start() listens at the same address.
  void stop() { server_.reset(); }
  void start() {
    rpc::ServerOptions options;
    options.port = port_;
    options.credentials = pki_.credentials(rpc::Role::orchestrator);
    server_ = pki_.serve(std::move(options), router());
    port_ = server_->port();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  void send(const v1::Command& command) {
    const std::lock_guard lock{mutex_};
    pending_.push_back(command);
    if (stream_) (void)stream_->send(command);
  }
  /// Sends it and waits for its result.
  v1::CompleteCommandRequest result(const v1::Command& command) {
    send(command);
    return wait_for(command.command_id());
  }
  v1::CompleteCommandRequest wait_for(const std::string& command_id) {
    EXPECT_TRUE(eventually([&] { return said.result(command_id).has_value(); })) << command_id;
    return said.result(command_id).value_or(v1::CompleteCommandRequest{});
  }
  bool is_connected() {
    const std::lock_guard lock{mutex_};
    return stream_ && !stream_->closed();
  }
  v1::HostAttributes attributes() {
    const std::lock_guard lock{mutex_};
    return attributes_;
  }
  std::vector<std::string> running() {
    const std::lock_guard lock{said.mutex};
    return said.running;
  }
  int beats() {
    const std::lock_guard lock{said.mutex};
    return said.beats;
  }

  FakeOrchestrator said;

 private:
  rpc::Router router() {
    const auto hosts = rpc::Allow::roles({rpc::Role::host});
    rpc::Router router;
    router.unary<v1::RegisterResponse, v1::RegisterRequest>(
        "sealift.v1.HostService.Register", hosts,
        [this](const rpc::Call&, const v1::RegisterRequest& request) -> Result<v1::RegisterResponse> {
          const std::lock_guard lock{mutex_};
          attributes_ = request.attributes();
          v1::RegisterResponse response;
          response.set_heartbeat_interval_ms(100);
          return response;
        });
    router.unary<v1::HeartbeatResponse, v1::HeartbeatRequest>(
        "sealift.v1.HostService.Heartbeat", hosts,
        [this](const rpc::Call&, const v1::HeartbeatRequest& request) -> Result<v1::HeartbeatResponse> {
          const std::lock_guard lock{said.mutex};
          said.running.assign(request.running().begin(), request.running().end());
          ++said.beats;
          return v1::HeartbeatResponse{};
        });
    router.server_stream<v1::Command, v1::StreamCommandsRequest>(
        "sealift.v1.HostService.StreamCommands", hosts,
        [this](const rpc::Call&, const v1::StreamCommandsRequest&,
               rpc::Stream<v1::Command> stream) -> Status {
          const std::lock_guard lock{mutex_};
          for (const auto& command : pending_) {
            if (!said.result(command.command_id())) (void)stream.send(command);
          }
          if (stream_) stream_->finish();
          stream_ = std::move(stream);
          return {};
        });
    router.unary<v1::CompleteCommandResponse, v1::CompleteCommandRequest>(
        "sealift.v1.HostService.CompleteCommand", hosts,
        [this](const rpc::Call&,
               const v1::CompleteCommandRequest& request) -> Result<v1::CompleteCommandResponse> {
          SEALIFT_CHECK(said.complete(request));
          return v1::CompleteCommandResponse{};
        });
    router.unary<v1::ReportInstanceResponse, v1::ReportInstanceRequest>(
        "sealift.v1.HostService.ReportInstance", hosts,
        [this](const rpc::Call&,
               const v1::ReportInstanceRequest& request) -> Result<v1::ReportInstanceResponse> {
          SEALIFT_CHECK(said.report(request));
          return v1::ReportInstanceResponse{};
        });
    return router;
  }

  rpc::testing::World& pki_;
  std::mutex mutex_;
  std::vector<v1::Command> pending_;
  std::optional<rpc::Stream<v1::Command>> stream_;
  v1::HostAttributes attributes_;
  std::uint16_t port_ = 0;
  std::unique_ptr<rpc::Server> server_;  // last: its handlers use the others
};

/// sealift-agent for a machine whose TPM and ultravisor are there.
struct AgentProgram {
  std::filesystem::path program;
  std::filesystem::path directory;  ///< gets its state and its log
  std::vector<std::string> argv;

  void start() {
    const auto log = open_file(directory / "agent.log", O_WRONLY | O_CREAT | O_APPEND).value();
    Command command;
    command.argv = argv;
    command.argv.insert(command.argv.begin(), {program.string(), "--state", (directory / "state").string()});
    command.stderr_fd = log.get();
    child = std::make_unique<Child>(spawn(command).value());
  }
  /// As a power failure would.
  void kill() { child.reset(); }
  std::string log() const {
    return std::string{as_text(read_file(directory / "agent.log", 1U << 20U).value())};
  }

  std::unique_ptr<Child> child = {};
};

}  // namespace sealift::agent
