// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/numbers.h"

#include <algorithm>
#include <cassert>

namespace sealift::sev {

std::optional<Bytes> from_little_endian(ByteView field, std::size_t size) {
  const auto used = std::min(field.size(), size);
  if (std::ranges::any_of(field.subspan(used), [](std::uint8_t byte) { return byte != 0; })) {
    return std::nullopt;
  }
  Bytes out(size);
  std::ranges::copy(field.first(used), out.rbegin());
  return out;
}

Bytes to_little_endian(ByteView big_endian, std::size_t size) {
  assert(big_endian.size() <= size);
  Bytes out(size);
  std::ranges::reverse_copy(big_endian, out.begin());
  return out;
}

}  // namespace sealift::sev
