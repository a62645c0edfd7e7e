// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/adapters/housekeeper.h"

#include <fmt/core.h>

#include <condition_variable>
#include <cstdio>
#include <mutex>

namespace sealift::frontend {
namespace {

void keep_house(const std::stop_token& stop, Housekeeping& housekeeping, std::chrono::seconds interval) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock{mutex};
  while (!stop.stop_requested()) {
    if (const auto done = housekeeping.run(); !done)
      fmt::print(stderr, "sealift-frontend: housekeeping: {}: {} {}\n", name(done.error().code),
                 done.error().message, done.error().detail);
    never.wait_for(lock, stop, interval, [] { return false; });
  }
}

}  // namespace

Housekeeper::Housekeeper(Housekeeping& housekeeping, std::chrono::seconds interval)
    : thread_{[&housekeeping, interval](const std::stop_token& stop) {
        keep_house(stop, housekeeping, interval);
      }} {}

}  // namespace sealift::frontend
