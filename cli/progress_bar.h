// SPDX-License-Identifier: Apache-2.0
/// Progress for people. On a terminal one line that is drawn over, from half a second on, and a tick for each
/// step that is done; elsewhere a plain line for every tenth, so that a log stays short.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "base/progress.h"

namespace sealift::cli {

/// For several threads, one step at a time.
class ProgressBar final : public Progress {
 public:
  using Seconds = std::chrono::duration<double>;

  ProgressBar(int fd, bool terminal) : fd_{fd}, terminal_{terminal} {}
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ProgressBar(ProgressBar&&) = delete;
  ProgressBar& operator=(ProgressBar&&) = delete;
  /// A step that was left unfinished leaves no half-drawn line behind.
  ~ProgressBar() override;

  void start(std::string_view step, std::uint64_t total) override;
  void advance(std::uint64_t bytes) override;
  void finish() override;

 private:
  using Clock = std::chrono::steady_clock;
  void draw(Clock::time_point now);
  void write_plain(Clock::time_point now);
  void erase();
  void put(const std::string& text) const;

  const int fd_;
  const bool terminal_;
  std::mutex mutex_;
  std::string step_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t next_tenth_ = 1;
  Clock::time_point begun_;
  Clock::time_point next_draw_;
  bool running_ = false;
  bool drawn_ = false;
};

/// "encrypting  45 %  [=========           ]  212 MB/s  0:07 left"; without `total` what is done instead.
std::string progress_text(std::string_view step, std::uint64_t done, std::uint64_t total,
                          ProgressBar::Seconds elapsed);
/// "1.2 GB", "640 B".
std::string size_text(std::uint64_t bytes);

}  // namespace sealift::cli
