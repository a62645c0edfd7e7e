// SPDX-License-Identifier: Apache-2.0
/// Opens seals with this machine's TPM and this boot's password. Holds the password: one per ultravisor.
#pragma once

#include <mutex>
#include <string>

#include "tee/approval_files.h"
#include "tee/opening.h"
#include "tpm/unseal.h"

namespace sealift::tee {

/// For several threads: the TPM is used by one at a time.
class TpmSealOpener final : public SealOpener {
 public:
  /// `pcrs`: those that the storage key and the sealed data are bound to, "sha256:6". Connects to the TPM and
  /// reads the storage key. `approvals`: the directory (approval_files.h) of a machine that is bound to an
  /// approver; it is read at each opening, and what it withdraws is withdrawn.
  static Result<std::unique_ptr<TpmSealOpener>> create(const std::string& tcti, const tpm::Profile& profile,
                                                       const tpm::PcrSelection& pcrs,
                                                       Secret<tpm::kBootPasswordSize> boot_password,
                                                       std::filesystem::path approvals = {});

  ByteView storage_key_name() const override { return parent_.key.name().view(); }
  Result<SecretBytes> open(const esm::Target& target) override;

 private:
  TpmSealOpener(tpm::Tpm tpm, tpm::StorageParent parent, Secret<tpm::kBootPasswordSize> boot_password,
                std::filesystem::path approvals)
      : tpm_{std::move(tpm)},
        parent_{std::move(parent)},
        boot_password_{std::move(boot_password)},
        approvals_{std::move(approvals)} {}
  Result<SecretBytes> open_approved(const ApprovalFiles& files, const tpm::Approver& approver,
                                    const esm::Target& target);
  std::mutex mutex_;
  tpm::Tpm tpm_;
  const tpm::StorageParent parent_;
  const Secret<tpm::kBootPasswordSize> boot_password_;
  const std::filesystem::path approvals_;
};

}  // namespace sealift::tee
