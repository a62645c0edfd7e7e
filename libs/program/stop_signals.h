// SPDX-License-Identifier: Apache-2.0
/// How a service is told to end.
#pragma once

#include "base/file.h"

namespace sealift {

/// Readable when SIGTERM or SIGINT came. Called before any thread starts, so that all of them block these.
Result<UniqueFd> stop_signals();

}  // namespace sealift
