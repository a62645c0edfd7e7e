// SPDX-License-Identifier: Apache-2.0
/// What the owner of an image for SEV keeps: there is one way only to mean what is taken.
#include <cstdlib>

#include "guest/image/owner.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sealift::image;
  const auto inputs = parse_launch_inputs({data, size});
  if (!inputs) return 0;
  const auto text = format_launch_inputs(*inputs);
  const auto again = parse_launch_inputs(sealift::as_bytes(text));
  if (!again || format_launch_inputs(*again) != text) std::abort();
  return 0;
}
