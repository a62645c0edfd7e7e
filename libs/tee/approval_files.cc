// SPDX-License-Identifier: Apache-2.0
#include "tee/approval_files.h"

#include <fmt/core.h>

#include "base/file.h"

namespace sealift::tee {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileLimit = 16UL * 1024;

template <typename T>
void take(const fs::path& path, Result<T> (*parse)(ByteView), std::vector<T>& into) {
  const auto bytes = read_file(path, kFileLimit);
  if (!bytes) return;
  auto document = parse(*bytes);
  if (document) into.push_back(*std::move(document));
}

}  // namespace

const tpm::Approver* ApprovalFiles::approver_of(const tpm::Profile& profile,
                                                const tpm::Public& storage_key) const {
  const auto bound = [&](const tpm::Approver& approver) {
    return same_bytes(storage_key.policy(), profile.storage_key_policy(approver.name()).view());
  };
  for (const auto& approval : approvals) {
    if (bound(approval.policy.approver())) return &approval.policy.approver();
  }
  for (const auto& withdrawal : withdrawals) {
    if (bound(withdrawal.policy.approver())) return &withdrawal.policy.approver();
  }
  return nullptr;
}

Result<ApprovalFiles> read_approval_files(const fs::path& directory) {
  ApprovalFiles files;
  std::error_code error;
  if (directory.empty() || !fs::exists(directory, error)) return files;
  std::size_t count = 0;
  fs::directory_iterator entry{directory, error};
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
    if (++count > kMostApprovalFiles)
      return fail(ErrorCode::too_large,
                  fmt::format("{} has more than {} files", directory.native(), kMostApprovalFiles),
                  "approvals");
    if (!entry->is_regular_file(error)) continue;
    if (entry->path().extension() == ".approval") take(entry->path(), tpm::parse_approval, files.approvals);
    if (entry->path().extension() == ".withdrawal")
      take(entry->path(), tpm::parse_withdrawal, files.withdrawals);
  }
  if (!error) return files;
  errno = error.value();
  return fail_errno(fmt::format("read {}", directory.native()));
}

}  // namespace sealift::tee
