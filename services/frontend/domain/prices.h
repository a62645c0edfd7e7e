// SPDX-License-Identifier: Apache-2.0
/// What an instance costs.
#pragma once

#include "base/result.h"
#include "services/frontend/domain/limits.h"

namespace sealift::frontend {

inline constexpr std::uint32_t kMaxCpus = 1024;
inline constexpr std::uint32_t kMaxMemoryMib = 1U << 26U;
inline constexpr std::uint64_t kMaxUnitMicros = 100'000'000'000;

/// invalid_argument, naming what is wrong: a price above kMaxUnitMicros, no ISO 4217 code, no validity.
Status check_prices(const Prices& prices);

/// Micros per second, rounded up. cpus and memory_mib are within the bounds above, `prices` checked.
std::uint64_t price_of(const Prices& prices, std::uint32_t cpus, std::uint32_t memory_mib);

}  // namespace sealift::frontend
