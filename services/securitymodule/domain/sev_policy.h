// SPDX-License-Identifier: Apache-2.0
/// What the owner of an SEV image approves of, as the tenant sent it, checked.
#pragma once

#include "sealift/v1/security_module.pb.h"
#include "tee/sev/backend.h"

namespace sealift::securitymodule {

/// invalid_argument at "policy.sev.launch_digest", …; sev_policy_refused for a guest that its host could
/// read.
Result<sev::LaunchPolicy> check_sev_policy(const v1::SevPolicy& policy);

}  // namespace sealift::securitymodule
