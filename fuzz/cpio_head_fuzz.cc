// SPDX-License-Identifier: Apache-2.0
// An operand that is found lies inside the head, and the head inside the file, on a block's boundary.
#include <cstdlib>

#include "formats/cpio/head.h"
#include "formats/cpio/writer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sealift;
  const auto place = cpio::find_operand({data, size});
  if (!place) return 0;
  const bool inside = place->rest_offset <= size && place->size <= place->rest_offset &&
                      place->offset <= place->rest_offset - place->size;
  if (!inside || place->rest_offset % cpio::kBlockSize != 0 || place->offset % 4 != 0) std::abort();
  // What the head says does not depend on what follows it.
  if (cpio::find_operand({data, place->rest_offset}).value() != *place) std::abort();
  return 0;
}
