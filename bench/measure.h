// SPDX-License-Identifier: Apache-2.0
/// What every benchmark needs: CPU clocks, medians, and one line for each result.
///
/// Machines are shared and noisy, so a benchmark compares two things in turn (A B A B …), in CPU time where
/// it can, and prints the median of the ratios of the pairs.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sealift::bench {

/// A benchmark that cannot run ends with this.
[[noreturn]] inline void give_up(const Error& error) {
  fmt::print(stderr, "{}: {} {}\n", name(error.code), error.message, error.detail);
  std::exit(1);
}

template <typename T>
T must(Result<T> result) {
  if (!result) give_up(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

inline double seconds(const timespec& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

inline double clock_seconds(clockid_t clock) {
  timespec now{};
  if (::clock_gettime(clock, &now) != 0) give_up({ErrorCode::internal, "a clock cannot be read", {}, {}});
  return seconds(now);
}

inline double wall_seconds() { return clock_seconds(CLOCK_MONOTONIC); }
inline double own_cpu_seconds() { return clock_seconds(CLOCK_PROCESS_CPUTIME_ID); }
/// Of another process, all its threads, to the nanosecond.
inline double cpu_seconds_of(pid_t process) {
  clockid_t clock{};
  if (::clock_getcpuclockid(process, &clock) != 0)
    give_up({ErrorCode::not_found, "a process that is measured is gone", {}, {}});
  return clock_seconds(clock);
}

template <typename Work>
double own_cpu_seconds_of(const Work& work) {
  const auto start = own_cpu_seconds();
  work();
  return own_cpu_seconds() - start;
}

/// The one that `share` of the values do not exceed; the median by default.
inline double quantile(std::vector<double> values, double share = 0.5) {
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values.at(at);
}
inline double median(std::vector<double> values) { return quantile(std::move(values)); }

enum class Goal { at_most, at_least };

/// "what                     1.12  goal <= 1.15  met"
inline void report(std::string_view what, double value, Goal kind, double goal) {
  const bool met = kind == Goal::at_most ? value <= goal : value >= goal;
  fmt::print("{:<76} {:>9.2f}  goal {} {:g}  {}\n", what, value, kind == Goal::at_most ? "<=" : ">=", goal,
             met ? "met" : "not met");
  std::fflush(stdout);
}
/// A figure beside the goals.
inline void note(std::string_view what, double value) {
  fmt::print("{:<76} {:>9.2f}\n", fmt::format("  {}", what), value);
  std::fflush(stdout);
}

}  // namespace sealift::bench
