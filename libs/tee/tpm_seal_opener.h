// SPDX-License-Identifier: Apache-2.0
/// Opens seals with this machine's TPM and this boot's password. Holds the password: one per ultravisor.
#pragma once

#include <mutex>
#include <string>

#include "tee/opening.h"
#include "tpm/unseal.h"

namespace sealift::tee {

/// For several threads: the TPM is used by one at a time.
class TpmSealOpener final : public SealOpener {
 public:
  /// `pcrs`: those that the storage key and the sealed data are bound to, "sha256:6". Connects to the TPM and
  /// reads the storage key.
  static Result<std::unique_ptr<TpmSealOpener>> create(const std::string& tcti, const tpm::Profile& profile,
                                                       const tpm::PcrSelection& pcrs,
                                                       Secret<tpm::kBootPasswordSize> boot_password);

  ByteView storage_key_name() const override { return parent_.key.name().view(); }
  Result<SecretBytes> open(const esm::Target& target) override;

 private:
  TpmSealOpener(tpm::Tpm tpm, tpm::StorageParent parent, Secret<tpm::kBootPasswordSize> boot_password)
      : tpm_{std::move(tpm)}, parent_{std::move(parent)}, boot_password_{std::move(boot_password)} {}
  std::mutex mutex_;
  tpm::Tpm tpm_;
  const tpm::StorageParent parent_;
  const Secret<tpm::kBootPasswordSize> boot_password_;
};

}  // namespace sealift::tee
