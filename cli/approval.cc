// SPDX-License-Identifier: Apache-2.0
#include "cli/approval.h"

#include "cli/inputs.h"
#include "tee/pef.h"

namespace sealift::cli {

void declare_approval(Command& command, ApprovalOptions& options, Need roots) {
  command.paths("--root", options.roots, "PEM", "a TPM vendor's root that you trust; may be repeated", roots)
      .paths("--intermediate", options.intermediates, "PEM", "a certificate between; may be repeated")
      .paths("--crl", options.crls, kFile, "a revocation list; may be repeated")
      .flag("--require-crl", options.require_crl, "refuse where an issuer's revocation list is missing")
      .text("--pcr", options.pcr, "BANK:N=HEX", "PCR values that the storage key must be bound to")
      .path("--reference", options.reference, kFile, "instead of --pcr: the event log of an approved machine")
      .path("--approver", options.approver, "PEM",
            "instead: the public key that approves of states, which the storage key must be bound to")
      .choice("--profile", options.profile, {"firmware", "owner"},
              "how the machine must have been provisioned (default: firmware)");
}

void declare_policy_file(Command& command, ApprovalOptions& options) {
  command.path("--policy", options.policy, kFile,
               "for your security module, instead of --root, --pcr and the like: a policy file");
}

Status check_pef_approval(const ApprovalOptions& options) {
  if (options.reference.empty())
    return fail(
        ErrorCode::invalid_argument,
        "an image for pef takes --reference: only an approved machine's event log tells that PEF is on",
        "--reference");
  if (options.profile != "firmware")
    return fail(ErrorCode::invalid_argument, "only the firmware profile has a PEF-enable bit", "--profile");
  SEALIFT_TRY(const auto log, read_event_log(options.reference));
  return in_file(options.reference, tee::check_pef_reference(log));
}

Result<tpm::Binding> approved_states(const ApprovalOptions& options) {
  if (!options.approver.empty()) {
    if (!options.pcr.empty() || !options.reference.empty())
      return fail(ErrorCode::invalid_argument, "give one of --pcr, --reference and --approver", "--approver");
    SEALIFT_TRY(auto approver, read_approver(options.approver));
    return tpm::Binding{std::move(approver)};
  }
  SEALIFT_TRY(const auto* const profile, tpm::profile_from_name(options.profile));
  SEALIFT_TRY(const auto selection, tpm::PcrSelection::parse(profile->pcrs));
  SEALIFT_TRY(auto values, expected_pcrs(options.pcr, options.reference, selection));
  return tpm::Binding{std::move(values)};
}

Result<tee::MeasuredPolicy> measured_policy(const ApprovalOptions& options) {
  crypto::TrustInput trust;
  SEALIFT_TRY(trust.roots, read_certificates(options.roots));
  SEALIFT_TRY(trust.intermediates, read_certificates(options.intermediates));
  SEALIFT_TRY(trust.crls, read_crls(options.crls));
  trust.crl_policy = options.require_crl ? crypto::CrlPolicy::required : crypto::CrlPolicy::where_given;
  SEALIFT_TRY(auto roots, tee::TrustedRoots::create(std::move(trust)));
  SEALIFT_TRY(const auto* const profile, tpm::profile_from_name(options.profile));
  SEALIFT_TRY(auto approved, approved_states(options));
  return tee::MeasuredPolicy{std::move(roots), profile, std::move(approved)};
}

}  // namespace sealift::cli
