// SPDX-License-Identifier: Apache-2.0
/// Making a machine: a TPM as its vendor would deliver it, provisioned as its owner would (design section 6),
/// and firmware in its flash.
#pragma once

#include <atomic>
#include <optional>

#include "emulator/machine/machine.h"
#include "tpm/approval.h"

namespace sealift::emulator {

struct CreateOptions {
  std::string tee = "measured";          ///< or "pef"
  tpm::KeyKind ek = tpm::KeyKind::p256;  ///< p256 (template L-2) or rsa2048 (L-1), which takes longer to make
  tpm::KeyKind storage_key = tpm::KeyKind::p256;  ///< p256 or rsa2048
  std::string firmware = "default";
  bool secure_boot_jumper = true;
  bool pef_enabled = true;
  std::optional<tpm::Approver> approver = {};  ///< whom the storage key is bound to, instead of a state
};

/// The machine is there, whole, or nothing of it is. already_exists where the name is taken; canceled where
/// `interrupted` became true meanwhile. It is off.
Result<Machine> create_machine(const std::filesystem::path& machines, const std::string& name,
                               const CreateOptions& options, const std::atomic<bool>& interrupted);

/// Stops the machine and removes all of it.
Status destroy_machine(const Machine& machine);

}  // namespace sealift::emulator
