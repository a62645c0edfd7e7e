// SPDX-License-Identifier: Apache-2.0
/// Threads that take the launches' next steps.
#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "services/orchestrator/domain/launch_steps.h"

namespace sealift::orchestrator {

class Workers {
 public:
  /// `owner` names this replica in leases: unique among replicas, another after every start.
  Workers(LaunchSteps& steps, Signal& signal, std::string owner, int threads);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  Workers(Workers&&) = delete;
  Workers& operator=(Workers&&) = delete;
  ~Workers();

 private:
  void work(const std::stop_token& stop);
  /// Waits for it; nothing where the end came first.
  std::optional<store::LaunchRecord> next(const std::stop_token& stop);

  LaunchSteps& steps_;
  Signal& signal_;
  std::string owner_;
  std::atomic<int> idle_ = 0;
  std::mutex looking_;                     ///< one worker looks for all that wait
  std::deque<store::LaunchRecord> taken_;  ///< by who looked, for those that wait
  std::vector<std::jthread> threads_;
};

}  // namespace sealift::orchestrator
