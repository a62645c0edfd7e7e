// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_bar.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/file.h"

namespace sealift::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kQuietTime = 500ms;
constexpr auto kRedrawTime = 100ms;
constexpr std::size_t kBarWidth = 24;

std::string time_text(ProgressBar::Seconds time) {
  const auto seconds = std::llround(time.count());
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

std::string rate_text(std::uint64_t bytes, ProgressBar::Seconds elapsed) {
  return size_text(static_cast<std::uint64_t>(static_cast<double>(bytes) / std::max(elapsed.count(), 1e-3))) +
         "/s";
}

}  // namespace

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", value, unit > 0 && value < 9.95 ? 1 : 0, kUnits.at(unit));
}

std::string progress_text(std::string_view step, std::uint64_t done, std::uint64_t total,
                          ProgressBar::Seconds elapsed) {
  const auto rate = rate_text(done, elapsed);
  if (total == 0) return fmt::format("{}  {}  {}", step, size_text(done), rate);
  const auto part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto filled = static_cast<std::size_t>(part * kBarWidth);
  const auto left = part > 0 ? time_text(elapsed * ((1 - part) / part)) + " left" : "";
  return fmt::format("{}  {:3.0f} %  [{}{}]  {}  {}", step, part * 100, std::string(filled, '='),
                     std::string(kBarWidth - filled, ' '), rate, left);
}

ProgressBar::~ProgressBar() { erase(); }

void ProgressBar::start(std::string_view step, std::uint64_t total) {
  const std::lock_guard lock{mutex_};
  erase();
  step_ = step;
  total_ = total;
  done_ = 0;
  next_tenth_ = 1;
  begun_ = Clock::now();
  next_draw_ = begun_ + kQuietTime;
  running_ = true;
}

void ProgressBar::advance(std::uint64_t bytes) {
  const std::lock_guard lock{mutex_};
  done_ += bytes;
  const auto now = Clock::now();
  if (!running_ || now < next_draw_) return;
  if (terminal_) {
    draw(now);
  } else {
    write_plain(now);
  }
}

void ProgressBar::finish() {
  const std::lock_guard lock{mutex_};
  if (!running_) return;
  erase();
  running_ = false;
  const auto elapsed = time_text(Clock::now() - begun_);
  const auto amount = done_ > 0 ? "  " + size_text(done_) : std::string{};
  if (terminal_) {
    put(fmt::format("\x1b[32m✓\x1b[0m {}{}  {}\n", step_, amount, elapsed));
  } else {
    put(fmt::format("{}: done{}  {}\n", step_, amount, elapsed));
  }
}

void ProgressBar::draw(Clock::time_point now) {
  put("\r\x1b[K" + progress_text(step_, done_, total_, now - begun_));
  drawn_ = true;
  next_draw_ = now + kRedrawTime;
}

void ProgressBar::write_plain(Clock::time_point now) {
  if (total_ == 0 || done_ < total_ / 10 * next_tenth_) return;
  next_tenth_ = done_ * 10 / total_ + 1;
  put(fmt::format("{}: {} %\n", step_, std::min<std::uint64_t>(100, done_ * 100 / total_)));
  next_draw_ = now + kQuietTime;
}

void ProgressBar::erase() {
  if (drawn_) put("\r\x1b[K");
  drawn_ = false;
}

void ProgressBar::put(const std::string& text) const { (void)write_all(fd_, as_bytes(text)); }

}  // namespace sealift::cli
