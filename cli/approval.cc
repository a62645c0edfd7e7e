// SPDX-License-Identifier: Apache-2.0
#include "cli/approval.h"

#include "cli/inputs.h"

namespace sealift::cli {

void declare_approval(Command& command, ApprovalOptions& options, Need roots) {
  command.paths("--root", options.roots, "PEM", "a TPM vendor's root that you trust; may be repeated", roots)
      .paths("--intermediate", options.intermediates, "PEM", "a certificate between; may be repeated")
      .paths("--crl", options.crls, kFile, "a revocation list; may be repeated")
      .flag("--require-crl", options.require_crl, "refuse where an issuer's revocation list is missing")
      .text("--pcr", options.pcr, "BANK:N=HEX", "PCR values that the storage key must be bound to")
      .path("--reference", options.reference, kFile, "instead of --pcr: the event log of an approved machine")
      .choice("--profile", options.profile, {"firmware", "owner"},
              "how the machine must have been provisioned (default: firmware)");
}

void declare_policy_file(Command& command, ApprovalOptions& options) {
  command.path("--policy", options.policy, kFile,
               "for your security module, instead of --root, --pcr and the like: a policy file");
}

Result<tpm::PcrValues> approved_pcrs(const ApprovalOptions& options) {
  SEALIFT_TRY(const auto* const profile, tpm::profile_from_name(options.profile));
  SEALIFT_TRY(const auto selection, tpm::PcrSelection::parse(profile->pcrs));
  return expected_pcrs(options.pcr, options.reference, selection);
}

Result<tee::MeasuredPolicy> measured_policy(const ApprovalOptions& options) {
  crypto::TrustInput trust;
  SEALIFT_TRY(trust.roots, read_certificates(options.roots));
  SEALIFT_TRY(trust.intermediates, read_certificates(options.intermediates));
  SEALIFT_TRY(trust.crls, read_crls(options.crls));
  trust.crl_policy = options.require_crl ? crypto::CrlPolicy::required : crypto::CrlPolicy::where_given;
  SEALIFT_TRY(auto roots, tee::TrustedRoots::create(std::move(trust)));
  SEALIFT_TRY(const auto* const profile, tpm::profile_from_name(options.profile));
  SEALIFT_TRY(auto approved, approved_pcrs(options));
  return tee::MeasuredPolicy{std::move(roots), profile, std::move(approved)};
}

}  // namespace sealift::cli
