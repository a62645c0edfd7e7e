// SPDX-License-Identifier: Apache-2.0
// OVMF footers: an area that is given is one that can be used.
#include <cstdlib>

#include "tee/sev/ovmf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto footer = sealift::sev::OvmfFooter::parse({data, size});
  if (!footer) return 0;
  for (const auto& area : {footer->secret_area, footer->hash_table_area}) {
    if (area && (area->base == 0 || area->size == 0)) std::abort();
  }
  if (footer->need_secret_area().has_value() != footer->secret_area.has_value()) std::abort();
  return 0;
}
