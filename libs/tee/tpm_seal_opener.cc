// SPDX-License-Identifier: Apache-2.0
#include "tee/tpm_seal_opener.h"

#include <fmt/core.h>

namespace sealift::tee {

Result<std::unique_ptr<TpmSealOpener>> TpmSealOpener::create(
    const std::string& tcti, const tpm::Profile& profile, const tpm::PcrSelection& pcrs,
    Secret<tpm::kBootPasswordSize> boot_password, std::filesystem::path approvals, OnRejected on_rejected) {
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(tcti));
  SEALIFT_TRY(auto parent, tpm::read_storage_parent(tpm, profile, pcrs));
  return std::unique_ptr<TpmSealOpener>{new TpmSealOpener{std::move(tpm), std::move(parent),
                                                          std::move(boot_password), std::move(approvals),
                                                          std::move(on_rejected)}};
}

Result<SecretBytes> TpmSealOpener::open(const esm::Target& target) {
  const std::lock_guard lock{mutex_};
  SEALIFT_TRY(const auto files, read_approval_files(approvals_));
  report(files.rejected);
  auto seed = open_with(files, target);
  if (seed) return seed;
  for (const auto& file : files.rejected)
    seed.error().message += fmt::format("; {} does not hold", file.text());
  return seed;
}

void TpmSealOpener::report(const std::vector<RejectedFile>& rejected) {
  std::set<std::string> now;
  for (const auto& file : rejected) {
    if (!reported_.contains(file.text()) && on_rejected_) on_rejected_(file);
    now.insert(file.text());
  }
  reported_ = std::move(now);
}

Result<SecretBytes> TpmSealOpener::open_with(const ApprovalFiles& files, const esm::Target& target) {
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
