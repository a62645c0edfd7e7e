// SPDX-License-Identifier: Apache-2.0
/// What an orchestrator's commands do. They come at least once; everything in them is hostile.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "services/agent/domain/instances.h"
#include "services/agent/domain/lane.h"

namespace sealift::agent {

class Commands {
 public:
  Commands(World& world, Instances& instances, Platform& platform);

  /// Takes it on; its result goes through World::completions. An error where too many wait already: then the
  /// stream is to be begun anew, which brings all of them again.
  Status take(const v1::Command& command);

 private:
  using Work = std::function<Result<v1::CompleteCommandRequest>(const std::stop_token&)>;
  Status dispatch(const v1::Command& command);
  Status start(const v1::Command& command);
  Status post(Lane& lane, const std::string& command_id, Work work);

  World& world_;
  Instances& instances_;
  Platform& platform_;
  std::mutex mutex_;
  std::set<std::string> in_work_;
  Lane tpm_;  // last: they use the others
  Lane consoles_;
};

}  // namespace sealift::agent
