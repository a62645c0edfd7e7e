// SPDX-License-Identifier: Apache-2.0
// Refusing a column is a right answer. Crashing is not, nor is accepting labels that are written back as
// others.
#include <cstdlib>

#include "store/columns.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const sealift::ByteView input{data, size};
  const auto texts = sealift::store::decode_texts(input);
  if (texts && !sealift::same_bytes(sealift::store::encode_texts(*texts), input)) std::abort();
  const auto labels = sealift::store::decode_labels(input);
  if (labels && *sealift::store::decode_labels(sealift::store::encode_labels(*labels)) != *labels)
    std::abort();
  return 0;
}
