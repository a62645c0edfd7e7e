// SPDX-License-Identifier: Apache-2.0
/// What an orchestrator can make a host agent do at most, and how long the agent waits for whom.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sealift::agent {

using std::chrono::milliseconds;

struct Limits {
  std::size_t instances = 100;  ///< that run, or whose end the orchestrator does not know yet
  std::size_t ended = 64;       ///< kept beside them, for their consoles
  milliseconds keep_ended{3'600'000};

  std::size_t console_readers = 16;
  std::size_t waiting_commands = 256;  ///< of each kind; with more of them the stream is begun anew
  std::size_t waiting_results = 1024;
  std::size_t result_senders = 4;
  milliseconds result_patience{600'000};  ///< a result that nobody took for so long is dropped
  milliseconds console_wait{10'000};
  milliseconds console_look{25};

  milliseconds first_pause{200};  ///< before something is tried again; then twice as long, and so on
  milliseconds longest_pause{10'000};
  milliseconds shortest_heartbeat{100};
  milliseconds longest_heartbeat{30'000};
  int missed_heartbeats = 3;    ///< then another orchestrator is looked for
  milliseconds steady{30'000};  ///< a connection that lasted so long was a good one
};

inline constexpr std::size_t kConsoleChunk = 64U * 1024;
inline constexpr std::size_t kMaxQuestion = 16U * 1024;
inline constexpr std::size_t kMaxCommandsOfInstance = 8;  ///< that wait for one instance's start or end
inline constexpr std::size_t kMaxEvents = 48;             ///< of one instance; orchestrators take 64
inline constexpr std::size_t kMaxText = 1024;             ///< of a refusal's message

}  // namespace sealift::agent
