// SPDX-License-Identifier: Apache-2.0
/// Independent programs to check ours against.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/matchers.h"
#include "base/process.h"

namespace sealift::formats {

/// run_checked() with our input on its standard input.
inline Result<Output> tool(std::vector<std::string> argv, ByteView input = {}) {
  Command command;
  command.argv = std::move(argv);
  return run_checked(std::move(command), input);
}

/// Skips the test, visibly, where `result` says that there is no such program.
#define SEALIFT_SKIP_WITHOUT_TOOL(result)                                              \
  if (!(result).has_value() && (result).error().code == ErrorCode::dependency_missing) \
  GTEST_SKIP() << (result).error().message

}  // namespace sealift::formats
