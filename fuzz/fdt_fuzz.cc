// SPDX-License-Identifier: Apache-2.0
// Whatever is accepted can be written, and reads back the same.
#include <cstdlib>

#include "formats/fdt/tree.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sealift;
  const auto tree = fdt::parse({data, size});
  if (!tree) return 0;
  const auto written = fdt::serialise(*tree);
  if (!written || fdt::parse(*written).value() != *tree) std::abort();
  return 0;
}
