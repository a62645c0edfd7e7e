// SPDX-License-Identifier: Apache-2.0
/// A QEMU process: sandboxed, its console kept, ended from any thread.
#pragma once

#include <string>
#include <vector>

#include "services/ultravisor/adapters/console.h"
#include "services/ultravisor/adapters/sandboxed_process.h"

namespace sealift::ultravisor {

/// -blockdev and -device of the guest's root disk: its writes go to the overlay, the image's own disk is only
/// read. Both are descriptors in QEMU.
std::vector<std::string> root_disk_arguments(int root_disk, int overlay);

/// What every QEMU of ours starts with: nothing but what is named, and a sandbox.
std::vector<std::string> qemu_base_arguments(const std::string& program, const std::string& name);

class GuestProcess {
 public:
  /// `fds` become 3, 4, … in QEMU; 0 is /dev/null, 1 the console, which is copied to `console`.
  static Result<GuestProcess> start(std::vector<std::string> argv, const std::vector<int>& fds, int console,
                                    const Identity* run_as);

  Result<int> wait();
  /// timeout where it still runs then.
  Result<int> wait(std::chrono::milliseconds limit);
  void stop();

 private:
  GuestProcess(Child child, UniqueFd process, Console console)
      : console_{std::move(console)}, child_{std::move(child)}, process_{std::move(process)} {}
  Console console_;  // its end comes with the child's, so it goes after it
  Child child_;
  UniqueFd process_;  // a pidfd: a signal through it never hits another process
};

}  // namespace sealift::ultravisor
