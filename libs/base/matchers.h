// SPDX-License-Identifier: Apache-2.0
/// For tests: what a Result holds, as sentences.
#pragma once

#include <gmock/gmock.h>

#include "base/result.h"

namespace sealift {

/// EXPECT_THAT(f(), Succeeds());
MATCHER(Succeeds, "succeeds") {
  if (arg.has_value()) return true;
  *result_listener << "which fails: " << name(arg.error().code) << ": " << arg.error().message;
  return false;
}

/// EXPECT_THAT(f(), FailsWith(ErrorCode::truncated));
MATCHER_P(FailsWith, code, std::string{"fails with "} + std::string{name(code)}) {
  if (arg.has_value()) {
    *result_listener << "which succeeds";
    return false;
  }
  *result_listener << "which fails with " << name(arg.error().code) << ": " << arg.error().message;
  return arg.error().code == code;
}

/// EXPECT_THAT(f(), FailsAt(ErrorCode::storage_key_attributes_refused, "fixedTPM"));
MATCHER_P2(FailsAt, code, where,
           std::string{"fails with "} + std::string{name(code)} + " at " + std::string{where}) {
  if (arg.has_value()) {
    *result_listener << "which succeeds";
    return false;
  }
  *result_listener << "which fails with " << name(arg.error().code) << " at '" << arg.error().field
                   << "': " << arg.error().message;
  return arg.error().code == code && arg.error().field == where;
}

/// EXPECT_THAT(f(), FailsShowing("set", "clear")): what was expected and what came.
MATCHER_P2(FailsShowing, expected, found,
           "fails, expecting '" + std::string{expected} + "' and finding '" + std::string{found} + "'") {
  if (arg.has_value()) {
    *result_listener << "which succeeds";
    return false;
  }
  *result_listener << "which expected '" << arg.error().expected << "' and found '" << arg.error().found
                   << "'";
  return arg.error().expected == expected && arg.error().found == found;
}

}  // namespace sealift
