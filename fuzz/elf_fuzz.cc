// SPDX-License-Identifier: Apache-2.0
// Programs, libraries and kernel modules of a customer's root file system: refused or read, never more than
// that.
#include <cstdlib>

#include "guest/image/elf_file.h"
#include "guest/image/kernel_module.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const sealift::ByteView input{data, size};
  if (const auto elf = sealift::image::read_elf(input, "input")) {
    if (elf->interpreter.size() > size) std::abort();
    for (const auto& library : elf->needed) {
      if (library.size() > size) std::abort();
    }
  }
  if (const auto needs = sealift::image::read_module_needs(input, "input")) {
    for (const auto& module : needs->depends) {
      if (module.empty() || module.size() > size) std::abort();
    }
  }
  return 0;
}
