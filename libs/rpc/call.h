// SPDX-License-Identifier: Apache-2.0
/// What a handler knows about the call it serves, besides the request.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "rpc/identity.h"
#include "rpc/trace.h"

namespace sealift::rpc {

/// Cheap to copy; a copy may outlive the call.
class Call {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  struct State {
    Identity caller;
    Deadline deadline;
    Trace trace;
    std::atomic<bool> cancelled = false;
  };

  explicit Call(std::shared_ptr<State> state) noexcept
      : caller{state->caller}, deadline{state->deadline}, trace{state->trace}, state_{std::move(state)} {}
  /// For tests of handlers.
  static Call for_test(Identity caller, Deadline deadline = Deadline::max()) {
    return Call{std::make_shared<State>(std::move(caller), deadline, Trace::random())};
  }

  const Identity& caller;    ///< from the peer's certificate; what a body claims is no identity
  const Deadline& deadline;  ///< the answer is of no use after it
  const Trace& trace;        ///< give it to the calls made on behalf of this one
  /// The caller went away, or the deadline passed, or the server stops: nobody waits for the answer.
  bool is_cancelled() const noexcept { return state_->cancelled.load(std::memory_order_relaxed); }

 private:
  std::shared_ptr<State> state_;
};

}  // namespace sealift::rpc
