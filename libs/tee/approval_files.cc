// SPDX-License-Identifier: Apache-2.0
#include "tee/approval_files.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/file.h"

namespace sealift::tee {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileLimit = 16UL * 1024;

template <typename T>
Result<T> read_document(const fs::directory_entry& entry, Result<T> (*parse)(ByteView)) {
  std::error_code error;
  if (!entry.is_regular_file(error)) return fail(ErrorCode::malformed, "it is no file");
  SEALIFT_TRY(const auto bytes, read_file(entry.path(), kFileLimit));
  return parse(bytes);
}

template <typename T>
void take(const fs::directory_entry& entry, Result<T> (*parse)(ByteView), std::vector<T>& into,
          std::vector<RejectedFile>& rejected) {
  auto document = read_document(entry, parse);
  if (document) {
    into.push_back(*std::move(document));
  } else {
    rejected.push_back({entry.path().filename().string(), document.error()});
  }
}

}  // namespace

std::string RejectedFile::text() const {
  return fmt::format("{}: {}: {}", name, sealift::name(why.code), why.message);
}

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
    if (entry->path().extension() == ".approval")
      take(*entry, tpm::parse_approval, files.approvals, files.rejected);
    if (entry->path().extension() == ".withdrawal")
      take(*entry, tpm::parse_withdrawal, files.withdrawals, files.rejected);
  }
  std::ranges::sort(files.rejected, {}, &RejectedFile::name);
  if (!error) return files;
  errno = error.value();
  return fail_errno(fmt::format("read {}", directory.native()));
}

}  // namespace sealift::tee
