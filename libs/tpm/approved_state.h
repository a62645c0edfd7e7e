// SPDX-License-Identifier: Apache-2.0
/// Approvals on the machine that they are for: what satisfies a policy of an approver in the state that the
/// machine is in, and the index which withdrawals raise.
#pragma once

#include <optional>

#include "tpm/approval.h"
#include "tpm/unseal.h"

namespace sealift::tpm {

/// TPM commands that an opened seal takes beside kUnsealCommands, the choice of the approval among them.
inline constexpr unsigned kApprovalCommands = 12;

/// The state that the machine is in, approved of: three steps of a policy session, which the TPM checks.
class ApprovedState final : public ObjectPolicy {
 public:
  /// The approval of the highest version that names the PCRs as they are. pcr_differs where none of the
  /// approver's does; failed_precondition at "version" where it was withdrawn, at "approvals" where the
  /// approver has none for this profile; not_found at "version_index".
  static Result<ApprovedState> choose(Tpm& tpm, const std::vector<Approval>& approvals,
                                      const Approver& approver, const Profile& profile);
  /// This one, whatever state the machine is in: the TPM will say.
  static Result<ApprovedState> prove(Tpm& tpm, const Approval& approval);

  const Approval& approval() const noexcept { return approval_; }
  Status satisfy(Tpm& tpm, const Session& session) const override;
  Error refusal(Tpm& tpm, ByteView approved) const override;

 private:
  ApprovedState(Approval approval, Bytes ticket)
      : approval_{std::move(approval)}, ticket_{std::move(ticket)} {}
  Approval approval_;
  Bytes ticket_;  ///< the TPM's word that it has checked the signature
};

/// Approvals below this do not hold on the machine. not_found at "version_index".
Result<std::uint64_t> lowest_version(Tpm& tpm, const Profile& profile, const Approver& approver);
/// Raises it; nothing to do where it is as high already. Whatever host software does, it does not go down
/// again. not_found at "version_index".
Status carry_out(Tpm& tpm, const Withdrawal& withdrawal);

}  // namespace sealift::tpm
