// SPDX-License-Identifier: Apache-2.0
/// The tie to the orchestrator: registers, beats, takes commands; and all over again, with pauses that grow,
/// for as long as the agent runs.
#pragma once

#include "services/agent/domain/commands.h"

namespace sealift::agent {

class Session {
 public:
  Session(World& world, Instances& instances, Commands& commands, v1::HostAttributes attributes)
      : world_{world}, instances_{instances}, commands_{commands}, attributes_{std::move(attributes)} {}

  /// Until `stop`.
  void run(const std::stop_token& stop);

 private:
  /// One connection, to its end.
  Status once(const std::stop_token& stop);
  /// Until `stop`, or too many failed; then `over` is requested.
  void beat(milliseconds interval, const std::stop_token& stop, std::stop_source& over);
  Status beat_once();

  World& world_;
  Instances& instances_;
  Commands& commands_;
  const v1::HostAttributes attributes_;
};

}  // namespace sealift::agent
