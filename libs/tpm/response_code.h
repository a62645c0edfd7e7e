// SPDX-License-Identifier: Apache-2.0
/// TPM_RC: the TPM's response codes as errors (Part 2, clause 6.6).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sealift::tpm {

/// "TPM_RC_POLICY_FAIL" for any of its variants: without the number of the handle, parameter or session.
/// "TPM_RC_0x0A3" for a code that has no name here.
std::string rc_name(std::uint32_t response_code);

/// tpm_error; the message "TPM2_Import: TPM_RC_INTEGRITY (parameter 2)", the field "TPM_RC_INTEGRITY".
tl::unexpected<Error> fail_rc(std::string_view command_name, std::uint32_t response_code);

/// Is this the TPM's refusal `rc`, such as "TPM_RC_POLICY_FAIL"?
bool is_rc(const Error& error, std::string_view rc);
/// The TPM found fault with a handle, parameter or session (a format-one code), not with its own state.
bool is_refusal(const Error& error);
/// The TPM (or another of its users) was in the way, and the same may succeed later: slots in use, a PCR
/// changed meanwhile, commands deferred, connection lost.
bool is_passing(const Error& error);

}  // namespace sealift::tpm
