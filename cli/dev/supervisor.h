// SPDX-License-Identifier: Apache-2.0
/// Processes that must go on running: one that ends is started again, at the same address.
#pragma once

#include <filesystem>
#include <functional>
#include <list>
#include <string>
#include <vector>

#include "base/process.h"

namespace sealift::cli {

class Supervisor {
 public:
  explicit Supervisor(std::filesystem::path logs) : logs_{std::move(logs)} {}
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor() { stop(); }

  /// Starts `argv`; its words go to LOGS/NAME.log.
  Status start(const std::string& name, std::vector<std::string> argv);
  /// The same for a service: waits until it says "listening on ADDRESS:PORT", and returns that. It gets
  /// "--listen", from its second start on with that port. unavailable with its last words where it ends
  /// first.
  Result<std::string> start_service(const std::string& name, std::vector<std::string> argv);

  /// Until `stop` says so. `on_restart` is told whom it started again.
  void watch(const std::function<bool()>& stop, const std::function<void(const std::string&)>& on_restart);
  /// Ends all of them, the last started first.
  void stop();

 private:
  struct Process {
    std::string name;
    std::vector<std::string> argv;
    Child child;
  };
  std::filesystem::path log(const std::string& name) const { return logs_ / (name + ".log"); }
  Result<Child> spawn_logged(const std::string& name, const std::vector<std::string>& argv) const;
  Result<std::string> wait_for_address(Process& process) const;

  std::filesystem::path logs_;
  std::list<Process> processes_;
};

}  // namespace sealift::cli
