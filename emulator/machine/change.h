// SPDX-License-Identifier: Apache-2.0
/// What an attacker or an administrator does to a machine's firmware. It shows at the next boot.
#pragma once

#include <optional>
#include <string>

#include "emulator/firmware/tamper.h"
#include "emulator/machine/machine.h"

namespace sealift::emulator {

struct FlashOptions {
  std::optional<std::string> firmware;  ///< another set
  bool rewrite_hardware_keys = false;   ///< the chip accepts the keys of what is in the flash then
  std::optional<bool> secure_boot_jumper;
  std::optional<bool> pef_enabled;
};

Status flash_machine(const Machine& machine, const FlashOptions& options);
/// One component in the flash.
Status tamper_machine(const Machine& machine, Component component, Tampering how);

}  // namespace sealift::emulator
