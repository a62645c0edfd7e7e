// SPDX-License-Identifier: Apache-2.0
#include "cli/cloud/stop_on_signal.h"

#include <chrono>

#include "cli/cancellation.h"

namespace sealift::cli {

StopOnSignal::StopOnSignal()
    : thread_{[this](const std::stop_token& done) {
        while (!done.stop_requested() && !cancelled())
          std::this_thread::sleep_for(std::chrono::milliseconds{50});
        source_.request_stop();
      }} {}

}  // namespace sealift::cli
