// SPDX-License-Identifier: Apache-2.0
/// The approvals and withdrawals that a machine has: a directory of documents (docs/formats/approval.md).
///
/// Anybody may write there: what is not signed by the approver that the storage key is bound to does nothing,
/// and who takes files away can do no more than keep seals shut.
#pragma once

#include <filesystem>
#include <vector>

#include "tpm/approved_state.h"

namespace sealift::tee {

inline constexpr std::size_t kMostApprovalFiles = 1024;

/// A file that says it is one of these, and does not hold.
struct RejectedFile {
  std::string name;
  Error why;
  /// "x.approval: signature_invalid: …"
  std::string text() const;
};

struct ApprovalFiles {
  std::vector<tpm::Approval> approvals;
  std::vector<tpm::Withdrawal> withdrawals;
  std::vector<RejectedFile> rejected;  ///< by name

  /// The one of their approvers that this storage key is bound to; null where it is bound to none of them.
  const tpm::Approver* approver_of(const tpm::Profile& profile, const tpm::Public& storage_key) const;
};

/// Of the files "*.approval" and "*.withdrawal"; others are none of its business, and one that does not hold
/// is rejected by name, so that it does not stop the others and nobody misses it. Nothing for an empty path,
/// or where there is no such directory. too_large for more files than kMostApprovalFiles.
Result<ApprovalFiles> read_approval_files(const std::filesystem::path& directory);

}  // namespace sealift::tee
