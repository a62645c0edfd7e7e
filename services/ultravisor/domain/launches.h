// SPDX-License-Identifier: Apache-2.0
/// The launches of this ultravisor's life: those that live, and the last that ended. Whoever lost sight of
/// one (a host agent that was restarted) follows it again from its first event on.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "services/ultravisor/api/messages.h"

namespace sealift::ultravisor {

/// What a launch looks like to other threads than its own.
class Launch {
 public:
  void note(std::string_view event);
  /// The guest runs and `stop` ends it, at once where the launch was stopped before. `stop` does not wait.
  void started(std::function<void()> stop);
  /// Its last word.
  void end(Reply last);

  /// Ends the guest, now or as soon as there is one.
  void stop();
  bool is_stopped() const;
  bool is_over() const;

  struct News {
    std::vector<Reply> replies;
    bool over = false;  ///< nothing comes after them
  };
  /// What was said after the first `seen` replies; waits for it, at most for `limit`.
  News after(std::size_t seen, std::chrono::milliseconds limit) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable said_;
  std::vector<Reply> replies_;
  std::function<void()> stop_;
  bool stopped_ = false;
  bool over_ = false;
};

class Launches {
 public:
  /// So many that are over are remembered.
  static constexpr std::size_t kRemembered = 1024;

  /// already_exists where a launch had that id.
  Result<std::shared_ptr<Launch>> begin(const std::string& id);
  /// The launch is over with this last word.
  void end(const std::string& id, Reply last);

  /// nullptr where it is not known (any more).
  std::shared_ptr<Launch> find(const std::string& id) const;
  /// not_found where it does not live; an id that is not known is never begun after that.
  Status stop(const std::string& id);
  void stop_all();
  std::vector<std::string> live() const;

 private:
  std::shared_ptr<Launch> known(const std::string& id) const;
  void remember(const std::string& id);
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Launch>> launches_;
  std::deque<std::string> over_;  ///< ids, in the order in which they ended
};

}  // namespace sealift::ultravisor
