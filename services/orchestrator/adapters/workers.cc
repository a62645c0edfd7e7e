// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/adapters/workers.h"

#include <fmt/core.h>

namespace sealift::orchestrator {
namespace {

constexpr milliseconds kLook{200};      // launches become due by the clock, and by other replicas' work
constexpr milliseconds kTrouble{1000};  // the store does not answer

void work(const std::stop_token& stop, LaunchSteps& steps, Signal& signal, const std::string& owner) {
  for (auto seen = signal.count(); !stop.stop_requested();) {
    const auto took = steps.take_one(owner);
    if (took && *took) continue;
    if (!took) {
      fmt::print(stderr, "a launch's step failed: {}: {} {}\n", name(took.error().code), took.error().message,
                 took.error().detail);
    }
    seen = signal.wait(seen, took ? kLook : kTrouble);
  }
}

}  // namespace

Workers::Workers(LaunchSteps& steps, Signal& signal, const std::string& owner, int threads) {
  threads_.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back(
        [&steps, &signal, owner](const std::stop_token& stop) { work(stop, steps, signal, owner); });
  }
}

}  // namespace sealift::orchestrator
