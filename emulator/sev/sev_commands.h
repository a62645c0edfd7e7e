// SPDX-License-Identifier: Apache-2.0
/// QMP's SEV commands, answered from the emulated PSP in the words of QEMU 7.2 (target/i386/sev.c): its TCG
/// refuses them all.
#pragma once

#include <optional>
#include <string>

#include "emulator/sev/guest_memory.h"
#include "emulator/sev/launch.h"

namespace sealift::emulator {

class SevCommands {
 public:
  /// Both outlive it. `launch` is null where no guest is.
  SevCommands(const Platform& platform, Launch* launch, const GuestMemory* memory)
      : platform_{platform}, launch_{launch}, memory_{memory} {}

  /// The answer, one line, where `document` is one of these commands; nothing for all others, which are
  /// QEMU's. Before a guest runs, LAUNCH_FINISH and its hash table are due: that is done here, when "cont"
  /// passes by.
  std::optional<std::string> answer(const std::string& document);

 private:
  void before_running();
  const Platform& platform_;
  Launch* launch_;
  const GuestMemory* memory_;
};

/// "qmp_capabilities", for a document {"execute": "qmp_capabilities"}; "" for what is none.
std::string command_name(const std::string& document);

}  // namespace sealift::emulator
