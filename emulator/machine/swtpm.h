// SPDX-License-Identifier: Apache-2.0
/// The machine's TPM: a swtpm process, under power or not.
#pragma once

#include <filesystem>
#include <memory>

#include "base/process.h"
#include "emulator/machine/machine.h"
#include "tpm/transport.h"

namespace sealift::emulator {

/// Power for the machine's TPM, until power_off_tpm(): a process of its own that outlives this one. It
/// answers when this returns, and waits for TPM2_Startup.
Status power_on_tpm(const Machine& machine);

/// Ends the machine's TPM, also one that a crash of ours left without process file. No error where it has no
/// power.
Status power_off_tpm(const Machine& machine);

/// A TPM on the workbench: nobody else can reach it, and it ends with this object, or with this process.
class WorkbenchTpm {
 public:
  /// Manufactures a new TPM where `state` is an empty directory. It waits for TPM2_Startup, and its state is
  /// on the disk.
  static Result<WorkbenchTpm> start(const std::filesystem::path& state);
  tpm::Tpm& tpm() noexcept { return *tpm_; }
  /// TPM2_Shutdown(CLEAR) and power off; the state is on the disk then.
  Status finish();

 private:
  WorkbenchTpm(Child process, std::unique_ptr<tpm::Tpm> tpm)
      : process_{std::move(process)}, tpm_{std::move(tpm)} {}
  Child process_;
  std::unique_ptr<tpm::Tpm> tpm_;
};

}  // namespace sealift::emulator
