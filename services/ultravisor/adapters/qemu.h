// SPDX-License-Identifier: Apache-2.0
/// Guests as QEMU processes: unprivileged, sandboxed, without a network, started from sealed memory files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/ultravisor/adapters/sandboxed_process.h"
#include "services/ultravisor/domain/launcher.h"

namespace sealift::ultravisor {

struct QemuOptions {
  std::string program = "/usr/bin/qemu-system-x86_64";
  std::string accelerator = "tcg";
  std::optional<Identity> run_as;             ///< set where we are root
  std::chrono::seconds hand_over_limit{120};  ///< a guest that has not asked by then is ended
};

/// The command line for `spec`; files are passed as descriptors 3 to 7 in the order of descriptors_for().
std::vector<std::string> qemu_arguments(const QemuOptions& options, const GuestSpec& spec);

class QemuRunner final : public GuestRunner {
 public:
  explicit QemuRunner(QemuOptions options) : options_{std::move(options)} {}
  Result<std::shared_ptr<RunningGuest>> start(const GuestSpec& spec) override;

 private:
  const QemuOptions options_;
};

}  // namespace sealift::ultravisor
