// SPDX-License-Identifier: Apache-2.0
// Refusing a text is a right answer. Crashing is not, nor is accepting one whose own notation means something
// else.
#include <cstdlib>

#include "tpm/types.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = sealift::as_text({data, size});
  if (const auto values = sealift::tpm::PcrValues::parse(text)) {
    const auto again = sealift::tpm::PcrValues::parse(values->text());
    if (!again || *again != *values) std::abort();
  }
  if (const auto selection = sealift::tpm::PcrSelection::parse(text)) {
    const auto again = sealift::tpm::PcrSelection::parse(selection->text());
    if (!again || *again != *selection) std::abort();
  }
  return 0;
}
