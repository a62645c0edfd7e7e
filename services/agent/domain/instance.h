// SPDX-License-Identifier: Apache-2.0
/// One instance on this host: a thread that fetches it, hands it to the ultravisor and follows it to its end,
/// and one that tells the orchestrator, in order, until it knows.
///
/// The order of things is what makes a launch happen once: "may run" is in the journal before the ultravisor
/// hears of it, and an event is in the journal before the orchestrator does. Before "may run" nothing waits
/// for the disk: after a loss of power the instance is begun anew. Destroying an Instance ends its threads
/// and leaves the guest alone.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/clock.h"
#include "services/agent/domain/backoff.h"
#include "services/agent/domain/completions.h"
#include "services/agent/domain/image_cache.h"
#include "services/agent/domain/record.h"

namespace sealift::agent {

/// What an Instance works with; all outlive it.
struct World {
  Orchestrator& orchestrator;
  Ultravisor& ultravisor;
  Objects& objects;
  Overlays& overlays;
  Journal& journal;
  ImageCache& cache;
  Completions& completions;
  const Clock& clock;
  const Limits& limits;
  Log log;
  Verified verified = Verified::before_it_runs;
};

class Instance {
 public:
  /// `record` is in the journal. One that the ultravisor may have is followed from here on.
  Instance(World& world, Record record);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance();

  /// Begins it, unless it was begun before; the command is completed when its outcome is known.
  void start(const std::string& command_id, StartOrder order);
  /// Ends it in whatever phase it is; the command, where there is one, is completed when it has ended.
  void stop(const std::string& command_id);

  /// Lets one run that is loaded. not_found, or what the TEE says.
  Status release(const v1::LaunchSecret& secret) const;

  /// Bytes of its console from `offset`; waits for one, at most until `limit` or `stop`.
  Result<v1::ConsoleResult> read_console(std::uint64_t offset, milliseconds limit,
                                         const std::stop_token& stop);

  /// As it is now.
  Record record() const;

 private:
  using Lock = std::unique_lock<std::mutex>;
  // The working thread's.
  void run(const StartOrder& order, const std::stop_token& quit);
  Result<Guest> prepare(const StartOrder& order, const std::stop_token& quit);
  Status hand_over(const std::stop_token& quit);
  void follow(const Guest* guest, const std::stop_token& quit);
  std::optional<Ending> look(const Guest* guest, const std::stop_token& quit);
  void hear(std::size_t place, const std::string& event);
  Bytes measurement() const;
  bool stop_is_due() const;
  Status stop_guest();
  /// Stops when the instance is to be stopped, as long as the ultravisor does not know it, and on `quit`.
  std::stop_token interruption(const std::stop_token& quit);
  // The telling thread's.
  void tell(const std::stop_token& quit);
  void tell_one(const v1::ReportInstanceRequest& report, Backoff& backoff, const std::stop_token& quit);
  // With the lock held.
  void end(const Ending& ending);
  Ending lost() const;
  Status save(const Record& record) const;
  void release_commands();
  void remove_files() const;

  std::int64_t now_ms() const;
  void log(const std::string& line) const;

  World& world_;
  const InstanceName name_;
  const std::filesystem::path directory_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Record record_;
  std::vector<ImageCache::Use> uses_;
  std::set<std::string> start_commands_;
  std::set<std::string> stop_commands_;
  bool unsaved_ = false;  ///< the journal does not have the latest events
  bool stop_wanted_ = false;
  bool stop_told_ = false;  ///< the ultravisor knows
  std::stop_source interrupt_;

  std::jthread working_;  // last: they use the others
  std::jthread telling_;
};

}  // namespace sealift::agent
