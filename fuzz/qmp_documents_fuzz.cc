// SPDX-License-Identifier: Apache-2.0
/// Where QMP's documents end: in one piece or byte by byte, they are the same.
#include <cstdlib>

#include "base/bytes.h"
#include "emulator/sev/qmp_documents.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using sealift::emulator::QmpDocuments;
  const auto text = sealift::as_text({data, size});
  QmpDocuments whole;
  QmpDocuments pieces;
  if (!whole.feed(text)) return 0;
  std::string first;
  std::string second;
  while (const auto document = whole.next()) first += *document;
  for (const char c : text) {
    if (!pieces.feed({&c, 1})) std::abort();
    while (const auto document = pieces.next()) second += *document;
  }
  if (first != second) std::abort();
  return 0;
}
