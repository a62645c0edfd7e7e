// SPDX-License-Identifier: Apache-2.0
/// decode_customer_data: there is one way only to write what it takes.
#include <cstdlib>

#include "guest/agent/customer_data.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto entries = sealift::guest::decode_customer_data({data, size});
  if (!entries) return 0;
  const auto message = sealift::guest::encode_customer_data(*entries);
  if (!message || !sealift::same_bytes(message->expose(), {data, size})) std::abort();
  return 0;
}
