// SPDX-License-Identifier: Apache-2.0
/// How long the orchestrator waits, and how often it tries. Every wait has an end.
#pragma once

#include <chrono>
#include <cstdint>

namespace sealift::orchestrator {

using std::chrono::milliseconds;

struct Limits {
  milliseconds heartbeat_interval{2000};
  milliseconds host_silence{10'000};      ///< a host not heard of for so long gets no new instances
  milliseconds host_lost{600'000};        ///< its guests are given up
  milliseconds host_answer{20'000};       ///< for evidence, or the answer to a question
  milliseconds direct_answer{5'000};      ///< to what the host is asked past the store
  milliseconds customer_answer{600'000};  ///< KYOK: for sealed data
  milliseconds patience{60'000};          ///< an SM or store that does not answer is asked again for so long
  milliseconds retry{1000};               ///< and so often
  milliseconds start{600'000};            ///< from dispatch to the guest's start: fetching takes its time
  milliseconds stop{60'000};
  milliseconds lease{15'000};               ///< of a replica on a launch; longer than one step takes
  milliseconds object_lifetime{3'600'000};  ///< of the URLs that a host gets
  milliseconds keep{3'600'000};             ///< of a launch that is over: its commands and its head
  std::uint32_t max_targets = 4;            ///< hosts tried for one launch
};

}  // namespace sealift::orchestrator
