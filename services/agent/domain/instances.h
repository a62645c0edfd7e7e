// SPDX-License-Identifier: Apache-2.0
/// All instances of this host, within its bounds: what commands and heartbeats are about.
#pragma once

#include <map>
#include <memory>

#include "services/agent/domain/instance.h"

namespace sealift::agent {

/// For guests.
struct Capacity {
  std::uint32_t cpus;
  std::uint32_t memory_mib;
};

class Instances {
 public:
  Instances(World& world, Capacity capacity) : world_{world}, capacity_{capacity} {}

  /// Takes up what the journal has, before anything else is called.
  Status load();
  /// Ends guests that the journal does not know, once; tried again by the next call where that failed.
  void stop_strangers();

  /// In the journal when it returns without an error; what becomes of it is told later. resource_exhausted;
  /// conflict where another attempt at the launch is here; what the journal says.
  Status start(const std::string& command_id, StartOrder order);
  /// Lets one run that is loaded. not_found, or what the TEE says.
  Status release(const InstanceName& name, const v1::LaunchSecret& secret);
  /// Also for an instance that this host never heard of: then it is never started. resource_exhausted.
  Status stop(const std::string& command_id, const InstanceName& name);
  /// Whatever attempts at them run here.
  void stop_launches(const std::set<std::string>& launch_ids);
  /// not_found.
  Result<v1::ConsoleResult> read_console(const InstanceName& name, std::uint64_t offset, milliseconds limit,
                                         const std::stop_token& stop);

  /// The launches that this host answers for: their end is not told yet.
  std::vector<std::string> running() const;
  /// Forgets those that ended, and their consoles, by age and number.
  void forget_ended();

 private:
  using Found = std::shared_ptr<Instance>;
  Found find(const InstanceName& name) const;
  std::vector<Found> all() const;
  // With the lock held.
  Status check_count() const;
  Status check_room(const StartOrder& order) const;
  Found add(Record record);

  World& world_;
  const Capacity capacity_;
  mutable std::mutex mutex_;
  std::map<InstanceName, Found> instances_;
  bool strangers_stopped_ = false;
};

}  // namespace sealift::agent
