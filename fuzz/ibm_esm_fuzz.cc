// SPDX-License-Identifier: Apache-2.0
// Whatever is accepted can be written, and reads back the same.
#include <cstdlib>

#include "formats/describe.h"
#include "formats/ibm_esm/blob.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sealift;
  const auto blob = ibm_esm::parse({data, size});
  if (!blob) return 0;
  const auto written = ibm_esm::serialise(*blob);
  if (!written || ibm_esm::parse(*written).value() != *blob) std::abort();
  if (formats::describe({data, size}).value().lockboxes.size() != blob->lockboxes.size()) std::abort();
  return 0;
}
