// SPDX-License-Identifier: Apache-2.0
/// Ctrl-C for calls that take a stop token.
#pragma once

#include <stop_token>
#include <thread>

namespace sealift::cli {

/// Its token is asked to stop soon after cancelled() (cli/cancellation.h) became true.
class StopOnSignal {
 public:
  StopOnSignal();
  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread thread_;
};

}  // namespace sealift::cli
