// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/prices.h"

#include <algorithm>
#include <cassert>

namespace sealift::frontend {

Status check_prices(const Prices& prices) {
  if (prices.cpu_micros > kMaxUnitMicros)
    return fail(ErrorCode::invalid_argument, "the price of a CPU is out of range", "price-cpu");
  if (prices.gib_micros > kMaxUnitMicros)
    return fail(ErrorCode::invalid_argument, "the price of memory is out of range", "price-gib");
  const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (prices.currency.size() != 3 || !std::ranges::all_of(prices.currency, is_capital))
    return fail(ErrorCode::invalid_argument, "the currency is no ISO 4217 code", "price-currency");
  if (prices.validity.count() <= 0)
    return fail(ErrorCode::invalid_argument, "a quote must be good for some time", "quote-validity");
  return {};
}

std::uint64_t price_of(const Prices& prices, std::uint32_t cpus, std::uint32_t memory_mib) {
  constexpr std::uint64_t kMibPerGib = 1024;
  assert(cpus <= kMaxCpus && memory_mib <= kMaxMemoryMib);
  const auto memory = (memory_mib * prices.gib_micros + kMibPerGib - 1) / kMibPerGib;
  return cpus * prices.cpu_micros + memory;
}

}  // namespace sealift::frontend
