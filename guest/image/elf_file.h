// SPDX-License-Identifier: Apache-2.0
/// What a program or shared library needs to run, by libelf.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::image {

struct ElfFile {
  std::string arch;                 ///< as uname -m says; "" for one that Sealift does not know
  std::string interpreter;          ///< "/lib64/ld-linux-x86-64.so.2"; "" in a static program or a library
  std::vector<std::string> needed;  ///< DT_NEEDED: "libc.so.6"
};

/// malformed, naming `path`, where `content` is no ELF program or library.
Result<ElfFile> read_elf(ByteView content, const std::string& path);

}  // namespace sealift::image
