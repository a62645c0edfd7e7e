// SPDX-License-Identifier: Apache-2.0
#include "guest/image/job.h"

namespace sealift::image {

Status Job::check() const {
  if (cancelled_.load(std::memory_order_relaxed))
    return fail(ErrorCode::canceled, "the work was interrupted");
  return {};
}

}  // namespace sealift::image
