// SPDX-License-Identifier: Apache-2.0
#include "tee/tpm_seal_opener.h"

namespace sealift::tee {

Result<std::unique_ptr<TpmSealOpener>> TpmSealOpener::create(const std::string& tcti,
                                                             const tpm::Profile& profile,
                                                             const tpm::PcrSelection& pcrs,
                                                             Secret<tpm::kBootPasswordSize> boot_password,
                                                             std::filesystem::path approvals) {
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(tcti));
  SEALIFT_TRY(auto parent, tpm::read_storage_parent(tpm, profile, pcrs));
  return std::unique_ptr<TpmSealOpener>{
      new TpmSealOpener{std::move(tpm), std::move(parent), std::move(boot_password), std::move(approvals)}};
}

Result<SecretBytes> TpmSealOpener::open(const esm::Target& target) {
  const std::lock_guard lock{mutex_};
  SEALIFT_TRY(const auto files, read_approval_files(approvals_));
  if (const auto* const approver = files.approver_of(*parent_.profile, parent_.key))
    return open_approved(files, *approver, target);
  const tpm::SealedData data{target.public_area, target.duplicate, target.seed};
  return tpm::unseal(tpm_, parent_, boot_password_, data, tpm::PcrObjectPolicy{parent_.pcrs});
}

Result<SecretBytes> TpmSealOpener::open_approved(const ApprovalFiles& files, const tpm::Approver& approver,
                                                 const esm::Target& target) {
  for (const auto& withdrawal : files.withdrawals) {
    if (withdrawal.profile == parent_.profile && withdrawal.policy.approver() == approver)
      SEALIFT_CHECK(tpm::carry_out(tpm_, withdrawal));
  }
  SEALIFT_TRY(const auto state,
              tpm::ApprovedState::choose(tpm_, files.approvals, approver, *parent_.profile));
  const tpm::SealedData data{target.public_area, target.duplicate, target.seed};
  if (same_bytes(target.policy, approver.sealing_policy().view()))
    return tpm::unseal(tpm_, parent_, boot_password_, data, state, &state);
  return tpm::unseal(tpm_, parent_, boot_password_, data, tpm::PcrObjectPolicy{parent_.pcrs}, &state);
}

}  // namespace sealift::tee
