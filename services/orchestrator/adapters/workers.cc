// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/adapters/workers.h"

#include <fmt/core.h>

#include <utility>

namespace sealift::orchestrator {
namespace {

constexpr milliseconds kLook{200};      // launches become due by the clock, and by other replicas' work
constexpr milliseconds kTrouble{1000};  // the store does not answer

void log(const char* what, const Error& error) {
  fmt::print(stderr, "{}: {}: {} {}\n", what, name(error.code), error.message, error.detail);
}

}  // namespace

Workers::Workers(LaunchSteps& steps, Signal& signal, std::string owner, int threads)
    : steps_{steps}, signal_{signal}, owner_{std::move(owner)} {
  threads_.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

// All are told before one is waited for: who looks keeps the others waiting.
Workers::~Workers() {
  for (auto& thread : threads_) thread.request_stop();
  signal_.raise();
}

void Workers::work(const std::stop_token& stop) {
  while (auto record = next(stop)) {
    const auto taken = steps_.step(*std::move(record), owner_);
    if (!taken) log("a launch's step failed", taken.error());
  }
}

std::optional<store::LaunchRecord> Workers::next(const std::stop_token& stop) {
  ++idle_;
  const std::lock_guard lock{looking_};
  while (taken_.empty() && !stop.stop_requested()) {
    const auto seen = signal_.count();  // before the claim: what moves during it is looked for again
    auto due = steps_.claim(owner_, idle_);
    if (due) taken_.assign(std::move_iterator{due->begin()}, std::move_iterator{due->end()});
    if (!due) log("no launches can be claimed", due.error());
    if (taken_.empty()) signal_.wait(seen, due ? kLook : kTrouble);
  }
  --idle_;
  if (taken_.empty()) return std::nullopt;
  auto record = std::move(taken_.front());
  taken_.pop_front();
  return record;
}

}  // namespace sealift::orchestrator
