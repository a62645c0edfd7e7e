// SPDX-License-Identifier: Apache-2.0
/// Threads that take the launches' next steps.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "services/orchestrator/domain/launch_steps.h"

namespace sealift::orchestrator {

class Workers {
 public:
  /// `owner` names this replica in leases: unique among replicas, another after every start.
  Workers(LaunchSteps& steps, Signal& signal, const std::string& owner, int threads);

 private:
  std::vector<std::jthread> threads_;
};

}  // namespace sealift::orchestrator
