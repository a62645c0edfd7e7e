// SPDX-License-Identifier: Apache-2.0
/// One launch on an emulated pef host: the guest starts as any other, asks for secure mode itself, and gets
/// it or ends.
#pragma once

#include "emulator/pef/guest/secure_mode.h"
#include "emulator/pef/qemu.h"
#include "services/ultravisor/domain/explain.h"

namespace sealift::pef {

struct PefLimits {
  std::chrono::seconds esm{300};      ///< until the guest must have asked for secure mode
  std::chrono::seconds farewell{30};  ///< until a refused guest must have ended by itself
};

/// Events: those of services/ultravisor/domain/launcher.h, with "secure_mode_requested" before
/// "operand_found". The guest counts as started when it was let in.
class PefLauncher final : public ultravisor::Launcher {
 public:
  /// `records`: to explain a refusal. The openers outlive the launcher.
  PefLauncher(Openers openers, QemuOptions qemu, ultravisor::Records records)
      : openers_{openers}, qemu_{std::move(qemu)}, records_{std::move(records)} {}

  Result<int> run(ultravisor::LaunchRequest request, ultravisor::Launch& launch,
                  const ultravisor::OnEvent& on_event) override;

 private:
  const Openers openers_;
  const QemuOptions qemu_;
  const ultravisor::Records records_;
  const PefLimits limits_;
};

}  // namespace sealift::pef
