// SPDX-License-Identifier: Apache-2.0
/// Which roots a platform's chain may end in.
#pragma once

#include <string>
#include <vector>

#include "crypto/digest.h"

namespace sealift::sev {

/// An ARK that is trusted, known by its public key alone.
struct PinnedRoot {
  std::string name;            ///< "Milan"
  crypto::Digest fingerprint;  ///< AmdCertificate::fingerprint()
};

/// AMD's own roots, one for each generation that has SEV.
const std::vector<PinnedRoot>& amd_roots();

}  // namespace sealift::sev
