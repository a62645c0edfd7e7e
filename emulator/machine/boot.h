// SPDX-License-Identifier: Apache-2.0
/// Power on and off.
#pragma once

#include <chrono>

#include "emulator/machine/machine.h"

namespace sealift::emulator {

struct BootOptions {
  std::filesystem::path ultravisor;                    ///< the program
  std::string run_as;                                  ///< passed on as --run-as; "" for none
  std::string slof;                                    ///< passed on as --slof; "" for none
  std::chrono::milliseconds ultravisor_limit{10'000};  ///< until its socket must answer
};

/// A power cycle: whatever ran ends, the TPM loses its power and starts, the firmware chain runs and is
/// measured, the boot password changes and goes to a new ultravisor, the platform authorization is forgotten.
/// Returns when the ultravisor's socket answers.
///
/// firmware_keys_differ, firmware_signature_invalid: the firmware refused; the machine is off, boot.json and
/// event.log say how far it came.
Status boot_machine(const Machine& machine, const BootOptions& options);

/// Power off: ultravisor and TPM end. No error where the machine is off already.
Status stop_machine(const Machine& machine);

/// The same for who holds the lock.
Status power_off(const Machine& machine, const MachineLock& lock);

/// TPM and ultravisor run.
bool is_on(const Machine& machine);

/// The ultravisor for that machine, beside the running program. dependency_missing where there is none.
Result<std::filesystem::path> ultravisor_beside_this_program(const Machine& machine);

}  // namespace sealift::emulator
