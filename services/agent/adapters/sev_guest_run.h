// SPDX-License-Identifier: Apache-2.0
/// One SEV guest and the thread that is its parent, from LAUNCH_START to its end.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "services/agent/domain/ports.h"
#include "services/agent/sev/machine.h"

namespace sealift::agent {

/// Events: "guest_loaded", "guest_started".
class SevGuestRun {
 public:
  SevGuestRun(SevHost host, std::filesystem::path firmware, Guest guest);
  SevGuestRun(const SevGuestRun&) = delete;
  SevGuestRun& operator=(const SevGuestRun&) = delete;
  SevGuestRun(SevGuestRun&&) = delete;
  SevGuestRun& operator=(SevGuestRun&&) = delete;
  /// Kills the guest.
  ~SevGuestRun();

  /// Every event from the first, then how it ended. canceled on `stop`: it goes on.
  Result<std::optional<Ending>> follow(const Ultravisor::OnEvent& on_event, const std::stop_token& stop);
  /// failed_precondition until it is loaded.
  Result<Bytes> measurement();
  Status release(const v1::LaunchSecret& secret);
  void stop();
  bool has_ended();

 private:
  using Lock = std::unique_lock<std::mutex>;
  Ending run(const std::stop_token& quit);
  Result<SevGuestSpec> spec(int console) const;
  void happened(const std::string& event);

  const SevHost host_;
  const std::filesystem::path firmware_;
  const Guest order_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::string> events_;
  std::optional<SevGuest> guest_;
  Bytes measurement_;
  std::optional<Ending> ending_;
  bool released_ = false;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace sealift::agent
