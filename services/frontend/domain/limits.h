// SPDX-License-Identifier: Apache-2.0
/// What one tenant may use, what it costs, and how long the front end waits for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sealift::frontend {

struct Limits {
  std::uint64_t images = 100;                 ///< of one tenant, those being uploaded included
  std::uint64_t image_bytes = 1ULL << 40U;    ///< of all of them together
  std::uint32_t active_launches = 20;         ///< of one tenant
  std::chrono::seconds stale_upload{86'400};  ///< an image of which nothing came for so long is dropped
  /// A replica that removes an object has this long; longer than the object store can take to answer.
  std::chrono::seconds removal{300};
};

/// Per second of an instance.
struct Prices {
  std::uint64_t cpu_micros = 10;  ///< millionths of the currency's unit, each CPU
  std::uint64_t gib_micros = 2;   ///< each GiB of memory
  std::string currency = "EUR";   ///< ISO 4217
  std::chrono::seconds validity{900};
};

}  // namespace sealift::frontend
