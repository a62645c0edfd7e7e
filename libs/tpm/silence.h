// SPDX-License-Identifier: Apache-2.0
/// Private to libs/tpm.
#pragma once

namespace sealift::tpm {

/// tpm2-tss prints to standard error whatever it meets; our errors say it once, in one place. To be called
/// before the first call of tpm2-tss; a user who set TSS2_LOG hears it all the same.
void silence_tss();

}  // namespace sealift::tpm
