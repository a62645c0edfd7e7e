// SPDX-License-Identifier: Apache-2.0
/// parse_manifest: what it takes, it can write, and takes again.
#include <cstdlib>

#include "guest/image/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto manifest = sealift::image::parse_manifest({data, size});
  if (!manifest) return 0;
  const auto text = sealift::image::format_manifest(*manifest);
  const auto again = sealift::image::parse_manifest(sealift::as_bytes(text));
  if (!again || sealift::image::format_manifest(*again) != text) std::abort();
  return 0;
}
