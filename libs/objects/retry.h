// SPDX-License-Identifier: Apache-2.0
/// Trying again, with waits that double.
#pragma once

#include <chrono>
#include <stop_token>

#include "base/result.h"

namespace sealift::objects {

struct RetryPolicy {
  int attempts = 4;
  std::chrono::milliseconds first_wait{200};  ///< at most; each wait is a random part of its limit
};

/// What may go better next time.
inline bool is_passing(ErrorCode code) noexcept {
  return code == ErrorCode::unavailable || code == ErrorCode::timeout;
}

/// One operation's attempts.
class Retry {
 public:
  explicit Retry(RetryPolicy policy, std::stop_token stop = {}) : policy_{policy}, stop_{std::move(stop)} {}
  /// Waits and says true where `error` may pass and there are attempts left.
  bool again(const Error& error);
  /// Progress was made: all attempts are there again.
  void reset() noexcept { failed_ = 0; }

 private:
  RetryPolicy policy_;
  std::stop_token stop_;
  int failed_ = 0;
};

}  // namespace sealift::objects
