// SPDX-License-Identifier: Apache-2.0
/// The tables that an SEV guest reads: whatever they are, what is found lies in them.
#include <cassert>

#include "guest/agent/launch_secret_wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sealift::guest;
  const std::span input{data, size};
  for (const auto& guid : {kDiskKeyGuid, kCustomerDataGuid}) {
    const auto found = find_secret(input, guid);
    assert(found.empty() || (found.data() >= data && found.data() + found.size() <= data + size));
  }
  SecretArea area;
  if (find_secret_area(input, area)) assert(area.base != 0 && area.size <= kMaxSecretAreaSize);
  return 0;
}
