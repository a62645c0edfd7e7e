// SPDX-License-Identifier: Apache-2.0
/// Ctrl-C, SIGTERM and SIGHUP as a wish: long work looks at it, cleans up and ends with `canceled`.
#pragma once

#include <atomic>

#include "base/result.h"

namespace sealift::cli {

/// True once somebody asked to stop.
const std::atomic<bool>& cancelled() noexcept;
/// From here on a signal only sets cancelled(), and interrupts a blocking call. A second one ends the process
/// as usual.
void catch_signals() noexcept;
/// `canceled` once somebody asked to stop.
Status check_not_cancelled();

}  // namespace sealift::cli
