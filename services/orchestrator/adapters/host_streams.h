// SPDX-License-Identifier: Apache-2.0
/// The streams that bring commands to the hosts connected here. Commands wait in the store, so a host may be
/// connected to any replica, and lose its connection at any time: what is not completed is sent again.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "rpc/stream.h"
#include "services/orchestrator/domain/launch_steps.h"

namespace sealift::orchestrator {

class HostStreams final : public ConnectedHosts {
 public:
  HostStreams(Stores stores, Signal& signal);

  /// A host has one stream: a new one ends the one before.
  void add(const std::string& host_id, rpc::Stream<v1::Command> stream);
  bool has(const std::string& host_id) override;
  bool send(const std::string& host_id, const v1::Command& command) override;

 private:
  struct HostStream {
    rpc::Stream<v1::Command> stream;
    std::set<std::string> sent = {};  ///< command_ids that wait for their result
  };
  void serve(const std::stop_token& stop);
  void forget(const std::string& host_id);
  /// False where it has ended.
  bool serve(const std::string& host_id, HostStream& host);

  Stores stores_;
  Signal& signal_;
  std::mutex mutex_;
  std::map<std::string, HostStream> added_;
  std::map<std::string, rpc::Stream<v1::Command>> connected_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace sealift::orchestrator
