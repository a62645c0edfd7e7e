// SPDX-License-Identifier: Apache-2.0
// A host's evidence: what is accepted is written back to what is accepted again, the same.
#include <cstdlib>

#include "tpm/evidence.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto evidence = sealift::tpm::parse_evidence({data, size});
  if (!evidence) return 0;
  const auto text = sealift::tpm::to_json(*evidence);
  const auto again = sealift::tpm::parse_evidence(sealift::as_bytes(text));
  if (!again || sealift::tpm::to_json(*again) != text) std::abort();
  return 0;
}
