// SPDX-License-Identifier: Apache-2.0
/// Pages of lists.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "services/securitymodule/domain/limits.h"

namespace sealift::securitymodule {

/// How many a caller gets who asked for `asked`; 0 leaves it to us.
inline Result<int> page_limit(std::uint32_t asked) {
  if (asked > static_cast<std::uint32_t>(kMaxPage))
    return fail(ErrorCode::invalid_argument, "a page has at most 100 entries", "limit");
  return asked == 0 ? kMaxPage : static_cast<int>(asked);
}

}  // namespace sealift::securitymodule
