// SPDX-License-Identifier: Apache-2.0
/// For tests: a software TPM provisioned as a machine, in a known state, with this boot's password.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tpm/provisioning.h"
#include "tpm/swtpm_for_test.h"
#include "tpm/unseal.h"

namespace sealift::tpm {

struct MachineForTest {
  /// Under `profile`, bound to the PCRs as the new TPM has them.
  static Result<MachineForTest> start(const Profile& profile, KeyKind kind);

  /// 32 secret bytes of the value `fill`, sealed to this machine under PCR sha256:6 as it is now.
  Result<SealedData> seal(std::uint8_t fill) const;
  Result<SecretBytes> unseal(const SealedData& data);
  /// PCR 6 is no longer what it was.
  Status change_state();
  /// Transient objects and sessions in the TPM.
  Result<std::size_t> slots_in_use();

  std::unique_ptr<SwtpmForTest> swtpm;
  std::unique_ptr<Tpm> tpm;
  StorageParent parent;
  Secret<kBootPasswordSize> boot_password;
  PcrValues expected;  ///< sha256:6
};

}  // namespace sealift::tpm
