// SPDX-License-Identifier: Apache-2.0
/// Opens seals with this machine's TPM and this boot's password. Holds the password: one per ultravisor.
#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <string>

#include "tee/approval_files.h"
#include "tee/opening.h"
#include "tpm/unseal.h"

namespace sealift::tee {

using OnRejected = std::function<void(const RejectedFile&)>;

/// For several threads: the TPM is used by one at a time.
class TpmSealOpener final : public SealOpener {
 public:
  /// `pcrs`: those that the storage key and the sealed data are bound to, "sha256:6". Connects to the TPM and
  /// reads the storage key. `approvals`: the directory (approval_files.h) of a machine that is bound to an
  /// approver; it is read at each opening, and what it withdraws is withdrawn. `on_rejected` is told of each
  /// file there that does not hold, once for each of its contents' faults; where a seal stays shut the error
  /// says it, too.
  static Result<std::unique_ptr<TpmSealOpener>> create(const std::string& tcti, const tpm::Profile& profile,
                                                       const tpm::PcrSelection& pcrs,
                                                       Secret<tpm::kBootPasswordSize> boot_password,
                                                       std::filesystem::path approvals = {},
                                                       OnRejected on_rejected = {});

  ByteView storage_key_name() const override { return parent_.key.name().view(); }
  Result<SecretBytes> open(const esm::Target& target) override;

 private:
  TpmSealOpener(tpm::Tpm tpm, tpm::StorageParent parent, Secret<tpm::kBootPasswordSize> boot_password,
                std::filesystem::path approvals, OnRejected on_rejected)
      : tpm_{std::move(tpm)},
        parent_{std::move(parent)},
        boot_password_{std::move(boot_password)},
        approvals_{std::move(approvals)},
        on_rejected_{std::move(on_rejected)} {}
  Result<SecretBytes> open_with(const ApprovalFiles& files, const esm::Target& target);
  void report(const std::vector<RejectedFile>& rejected);
  Result<SecretBytes> open_approved(const ApprovalFiles& files, const tpm::Approver& approver,
                                    const esm::Target& target);
  std::mutex mutex_;
  tpm::Tpm tpm_;
  const tpm::StorageParent parent_;
  const Secret<tpm::kBootPasswordSize> boot_password_;
  const std::filesystem::path approvals_;
  const OnRejected on_rejected_;
  std::set<std::string> reported_;
};

}  // namespace sealift::tee
