// SPDX-License-Identifier: Apache-2.0
// Refusing a container is a right answer. Crashing is not, nor is accepting one that is written back as
// another, nor letting one run that nobody signed.
#include <cstdlib>

#include "emulator/firmware/container.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace emulator = sealift::emulator;
  const sealift::ByteView input{data, size};
  const auto container = emulator::Container::parse(input);
  if (!container) return 0;
  if (!sealift::same_bytes(container->serialize(), input)) std::abort();
  const sealift::Bytes unknown_keys(64);
  if (emulator::verify_container(*container, emulator::Component::opal,
                                 sealift::crypto::Digest{unknown_keys}))
    std::abort();
  return 0;
}
