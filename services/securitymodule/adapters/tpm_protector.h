// SPDX-License-Identifier: Apache-2.0
/// The key-encryption key sealed to the TPM of the security module's own machine, in an approved state
/// (tpm/local_seal.h). Each wrap has a key of its own, sealed in it: there is nothing to keep but the
/// database.
///
/// The key's id is the TPM's storage primary. A TPM that was cleared or exchanged is another key. Wrap for a
/// state before the machine enters it (`sealift-sm rotate --keep … ?pcrs=VALUES`), and back up the root key
/// under a second protector: a TPM cannot be backed up.
#pragma once

#include <optional>

#include "services/securitymodule/domain/protector.h"
#include "tpm/types.h"

namespace sealift::securitymodule {

class TpmProtector final : public Protector {
 public:
  /// "TCTI?pcrs=sha256:7": wraps for the state that the machine is in; "TCTI?pcrs=sha256:7=HEX": for the one
  /// with these values. Without "?pcrs=", sha256:7. What was wrapped names its own PCRs.
  static Result<TpmProtector> open(const std::string& address);

  std::string key_id() const override;
  /// u8 1 ‖ sized16: name of the primary, PCRs, public area, duplicate, seed ‖ 12 bytes IV ‖ AES-256-GCM
  /// ciphertext ‖ 16 bytes tag.
  Result<Bytes> wrap(ByteView secret, ByteView associated_data) const override;
  /// pcr_differs at the PCRs where the machine is in another state.
  Result<SecretBytes> unwrap(ByteView wrapped, ByteView associated_data) const override;

 private:
  TpmProtector(std::string tcti, tpm::PcrSelection pcrs, std::optional<tpm::PcrValues> values,
               tpm::Public parent)
      : tcti_{std::move(tcti)},
        pcrs_{std::move(pcrs)},
        values_{std::move(values)},
        parent_{std::move(parent)} {}
  std::string tcti_;
  tpm::PcrSelection pcrs_;
  std::optional<tpm::PcrValues> values_;  ///< none: as they are
  tpm::Public parent_;
};

}  // namespace sealift::securitymodule
