// SPDX-License-Identifier: Apache-2.0
#include "tpm/approved_state.h"

#include <fmt/core.h>

#include <algorithm>

#include "tpm/commands.h"
#include "tpm/nv.h"
#include "tpm/response_code.h"

namespace sealift::tpm {
namespace {

Entity version_index(const Profile& profile, const Approver& approver) {
  return {profile.version_index, profile.version_index_name(approver.name())};
}

/// The TPM's ticket for the signature.
Result<Bytes> ticket_for(Tpm& tpm, const SignedPolicy& policy) {
  SEALIFT_TRY(const auto key, load_external(tpm, policy.approver().area()));
  return verify_signature(tpm, key.entity(), policy.digest(), policy.tpm_signature());
}

Status authorize(Tpm& tpm, const Session& session, const SignedPolicy& policy, ByteView ticket) {
  return policy_authorize(tpm, session, policy.policy(), policy.reference(), policy.approver().name(),
                          ticket);
}

tl::unexpected<Error> fail_withdrawn(const Approval& approval, std::uint64_t lowest) {
  Error error{ErrorCode::failed_precondition,
              fmt::format("\"{}\" was withdrawn: this machine takes states from version {} on", approval.name,
                          lowest),
              "version",
              {}};
  error.expected = fmt::format("version {} or higher", lowest);
  error.found = fmt::format("version {}", approval.version);
  return tl::unexpected(std::move(error));
}

/// Those of this approver and profile.
std::vector<const Approval*> usable(const std::vector<Approval>& approvals, const Approver& approver,
                                    const Profile& profile) {
  std::vector<const Approval*> all;
  for (const auto& approval : approvals) {
    if (approval.policy.approver() == approver && approval.profile == &profile) all.push_back(&approval);
  }
  return all;
}

Error no_such_state(const std::vector<const Approval*>& approvals, const PcrValues& now) {
  Error error{ErrorCode::pcr_differs,
              "the machine is in a state that none of the approvals names",
              now.selection().text(),
              {}};
  for (const auto* approval : approvals)
    error.expected += fmt::format("{}{}", error.expected.empty() ? "" : ", ", approval->name);
  error.found = now.text();
  return error;
}

}  // namespace

Result<ApprovedState> ApprovedState::choose(Tpm& tpm, const std::vector<Approval>& approvals,
                                            const Approver& approver, const Profile& profile) {
  const auto candidates = usable(approvals, approver, profile);
  if (candidates.empty())
    return fail(ErrorCode::failed_precondition,
                "the machine has no approval of the key that its storage key is bound to", "approvals");
  std::optional<PcrValues> now;
  const Approval* best = nullptr;
  for (const auto* approval : candidates) {
    if (!now || now->selection() != approval->state.selection()) {
      SEALIFT_TRY(now, read_pcrs(tpm, approval->state.selection()));
    }
    if (approval->state == *now && (best == nullptr || approval->version > best->version)) best = approval;
  }
  if (best == nullptr) return tl::unexpected(no_such_state(candidates, *now));
  SEALIFT_TRY(const auto lowest, lowest_version(tpm, profile, approver));
  if (best->version < lowest) return fail_withdrawn(*best, lowest);
  return prove(tpm, *best);
}

Result<ApprovedState> ApprovedState::prove(Tpm& tpm, const Approval& approval) {
  SEALIFT_TRY(auto ticket, ticket_for(tpm, approval.policy));
  return ApprovedState{approval, std::move(ticket)};
}

Status ApprovedState::satisfy(Tpm& tpm, const Session& session) const {
  SEALIFT_CHECK(policy_pcr(tpm, session, approval_.state.selection()));
  const auto& approver = approval_.policy.approver();
  const auto holds = policy_nv(tpm, session, version_index(*approval_.profile, approver),
                               NvComparison::at_most, version_bytes(approval_.version));
  if (!holds && is_rc(holds.error(), "TPM_RC_POLICY")) {
    SEALIFT_TRY(const auto lowest, lowest_version(tpm, *approval_.profile, approver));
    return fail_withdrawn(approval_, lowest);
  }
  SEALIFT_CHECK(holds);
  auto authorized = authorize(tpm, session, approval_.policy, ticket_);
  // The session's policy is not the approved one: the PCRs are others.
  if (!authorized && is_rc(authorized.error(), "TPM_RC_VALUE"))
    return tl::unexpected(refusal(tpm, approval_.policy.policy().view()));
  return authorized;
}

Error ApprovedState::refusal(Tpm& tpm, ByteView /*approved*/) const {
  Error error{ErrorCode::pcr_differs,
              fmt::format("the machine is not in the state \"{}\" that was approved of", approval_.name),
              approval_.state.selection().text(),
              {}};
  error.expected = approval_.state.text();
  if (const auto now = read_pcrs(tpm, approval_.state.selection())) error.found = now->text();
  return error;
}

Result<std::uint64_t> lowest_version(Tpm& tpm, const Profile& profile, const Approver& approver) {
  SEALIFT_TRY(const auto index, find_nv_index(tpm, profile.version_index));
  if (!index || index->name != profile.version_index_name(approver.name()))
    return fail(
        ErrorCode::not_found,
        "the machine has no version index of this approver: it was provisioned for another, or for none",
        "version_index");
  SEALIFT_TRY(const auto bytes, nv_read_all(tpm, *index));
  return ByteReader{bytes}.be64();
}

Status carry_out(Tpm& tpm, const Withdrawal& withdrawal) {
  const Tpm::Turn turn{tpm};
  const auto& approver = withdrawal.policy.approver();
  SEALIFT_TRY(const auto lowest, lowest_version(tpm, *withdrawal.profile, approver));
  if (lowest >= withdrawal.version) return {};
  const auto index = version_index(*withdrawal.profile, approver);
  const auto version = version_bytes(withdrawal.version);
  SEALIFT_TRY(const auto ticket, ticket_for(tpm, withdrawal.policy));
  SEALIFT_TRY(auto session, Session::start_policy(tpm));
  SEALIFT_CHECK(policy_nv(tpm, session, index, NvComparison::less, version));
  SEALIFT_CHECK(policy_cp_hash(tpm, session, withdrawal_command(index.name, withdrawal.version)));
  SEALIFT_CHECK(authorize(tpm, session, withdrawal.policy, ticket));
  session.end_with_next_command();
  return nv_write(tpm, index, session, index, version, 0);
}

}  // namespace sealift::tpm
