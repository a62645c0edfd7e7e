// SPDX-License-Identifier: Apache-2.0
#include "cli/cancellation.h"

#include <csignal>

namespace sealift::cli {
namespace {

constinit std::atomic<bool> asked_to_stop = false;
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int) { asked_to_stop = true; }

}  // namespace

const std::atomic<bool>& cancelled() noexcept { return asked_to_stop; }

void catch_signals() noexcept {
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
}

Status check_not_cancelled() {
  if (asked_to_stop) return fail(ErrorCode::canceled, "interrupted");
  return {};
}

}  // namespace sealift::cli
