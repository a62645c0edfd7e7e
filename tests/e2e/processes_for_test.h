// SPDX-License-Identifier: Apache-2.0
/// The guests of this computer as its kernel knows them, whatever any service says of them.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"

namespace sealift::e2e {

/// The words of a process; empty where it is gone.
std::vector<std::string> words_of(pid_t pid);

/// A QEMU under an ultravisor.
struct GuestProcess {
  pid_t pid;
  std::string id;       ///< LAUNCH.ATTEMPT
  std::string cmdline;  ///< as given to the guest's kernel
  /// What QEMU took as kernel and initramfs; nothing where the process is gone.
  Bytes kernel() const;
  Bytes initramfs() const;
};

/// Those of one launch.
std::vector<GuestProcess> guests_of(const std::string& launch_id);
/// Those of the machines below a directory.
std::vector<GuestProcess> guests_below(const std::filesystem::path& machines);
/// The process with this word that is one of ours; -1 where there is none.
pid_t process_with(const std::string& word);

/// Every guest below a directory that was ever seen, by launch: one that was started twice has two.
class GuestWatch {
 public:
  explicit GuestWatch(
      std::filesystem::path machines,
      std::function<void(const GuestProcess&)> on_new = [](const GuestProcess&) {});
  std::size_t started(const std::string& launch_id) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::set<pid_t>> seen_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace sealift::e2e
