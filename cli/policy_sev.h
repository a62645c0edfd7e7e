// SPDX-License-Identifier: Apache-2.0
/// The part of a policy file that is for SEV: what the owner approves of beside their image.
#pragma once

#include "cli/policy_table.h"
#include "cli/sev/owner_options.h"

namespace sealift::cli {

/// [sev]. invalid_argument at "policy.sev.<member>"; sev_policy_refused for a guest that its host could read;
/// sev_firmware_unsuitable for firmware that cannot take a launch secret.
Result<OwnerOptions> read_sev_terms(PolicyTable& policy, const Path& folder);

}  // namespace sealift::cli
