// SPDX-License-Identifier: Apache-2.0
/// Private to libs/tpm: certificates as makers leave them in NV. An index may be larger than what it holds:
/// what follows the DER is filling. What is given is the DER alone, which nobody has looked into.
#pragma once

#include <vector>

#include "tpm/nv.h"

namespace sealift::tpm {

/// Nothing where there is no such index, or nothing was written to it.
Result<std::optional<NvIndex>> find_written_index(Tpm& tpm, Handle handle);
/// The EK's own, and the chain that NV has of it: at most 8. ek_certificate_malformed, too_large.
Result<std::vector<Bytes>> read_ek_certificates(Tpm& tpm, const NvIndex& own);
/// Empty where there is none. platform_certificate_malformed, too_large.
Result<Bytes> read_platform_certificate(Tpm& tpm);

}  // namespace sealift::tpm
