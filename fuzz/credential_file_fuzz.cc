// SPDX-License-Identifier: Apache-2.0
// Refusing a file is a right answer. Crashing is not, nor is accepting one that is written back as another.
#include <cstdlib>

#include "tpm/credential.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto credential = sealift::tpm::parse_credential_file({data, size});
  if (!credential) return 0;
  if (!sealift::same_bytes(sealift::tpm::credential_file(*credential), {data, size})) std::abort();
  return 0;
}
