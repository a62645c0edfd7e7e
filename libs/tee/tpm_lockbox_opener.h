// SPDX-License-Identifier: Apache-2.0
/// Opens lockboxes with the wrapping key in this machine's TPM and its password. Holds the password: one per
/// ultravisor.
///
/// A lockbox is bound to no PCR. What binds it to a machine that isolates guests is that firmware which
/// leaves PEF off keeps the password to itself.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "tee/lockbox_opening.h"
#include "tpm/wrapping_key.h"

namespace sealift::tee {

/// For several threads: the TPM is used by one at a time.
class TpmLockboxOpener final : public LockboxOpener {
 public:
  using Password = std::optional<Secret<tpm::kWrappingPasswordSize>>;
  /// Connects to the TPM and reads the wrapping key. not_found where the machine has none. Without a password
  /// every lockbox for this machine is refused with pcr_differs at "pcr6.pef-enable".
  static Result<std::unique_ptr<TpmLockboxOpener>> create(const std::string& tcti, Password password);

  const crypto::PublicKey& wrapping_key() const override { return key_; }
  Result<SecretBytes> open(ByteView encrypted_key) override;

 private:
  TpmLockboxOpener(tpm::Tpm tpm, tpm::Public area, crypto::PublicKey key, Password password)
      : tpm_{std::move(tpm)}, area_{std::move(area)}, key_{std::move(key)}, password_{std::move(password)} {}
  std::mutex mutex_;
  tpm::Tpm tpm_;
  const tpm::Public area_;
  const crypto::PublicKey key_;
  const Password password_;
};

}  // namespace sealift::tee
