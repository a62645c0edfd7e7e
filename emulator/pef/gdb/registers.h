// SPDX-License-Identifier: Apache-2.0
/// Which number QEMU gives to which register: its own description says, and that differs from version to
/// version.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/result.h"

namespace sealift::pef {

struct Register {
  unsigned number;
  unsigned bits;
};
using Registers = std::map<std::string, Register, std::less<>>;

/// Gives the document of that name, "target.xml" or one that it includes.
using FetchDocument = std::function<Result<std::string>(const std::string& name)>;

/// Registers are numbered in the order of the documents, unless one names its own number. malformed,
/// too_large.
Result<Registers> read_registers(const FetchDocument& fetch);

}  // namespace sealift::pef
