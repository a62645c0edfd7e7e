// SPDX-License-Identifier: Apache-2.0
/// Which machines, in which state, the customer approves of: the options that say so.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "tee/measured.h"

namespace sealift::cli {

struct ApprovalOptions {
  std::vector<std::filesystem::path> roots;
  std::vector<std::filesystem::path> intermediates;
  std::vector<std::filesystem::path> crls;
  bool require_crl = false;
  std::string pcr;                  ///< "sha256:6=HEX"
  std::filesystem::path reference;  ///< instead: the event log of an approved machine
  std::filesystem::path approver;   ///< instead: the key that approves of states
  std::string profile = "firmware";
  std::filesystem::path policy;  ///< instead of all of these, where a security module decides: a policy file
};

/// --root, --intermediate, --crl, --require-crl, --pcr, --reference, --approver and --profile.
void declare_approval(Command& command, ApprovalOptions& options, Need roots);

/// --policy.
void declare_policy_file(Command& command, ApprovalOptions& options);

/// For a pef image: they name a reference whose firmware enabled PEF. Only an event log tells that.
/// invalid_argument at the option.
Status check_pef_approval(const ApprovalOptions& options);

/// The states that they say.
Result<tpm::Binding> approved_states(const ApprovalOptions& options);
Result<tee::MeasuredPolicy> measured_policy(const ApprovalOptions& options);

}  // namespace sealift::cli
