// SPDX-License-Identifier: Apache-2.0
/// What every long step of building an image needs: somewhere to report, and a way to be stopped.
#pragma once

#include <atomic>

#include "base/progress.h"
#include "base/result.h"

namespace sealift::image {

class Job {
 public:
  /// Both outlive the job. `cancelled` may be set by a signal handler or another thread.
  Job(Progress& progress, const std::atomic<bool>& cancelled) noexcept
      : progress_{progress}, cancelled_{cancelled} {}

  Progress& progress() const noexcept { return progress_; }
  /// `canceled` once somebody asked for it; steps call it between pieces of work.
  Status check() const;

 private:
  Progress& progress_;
  const std::atomic<bool>& cancelled_;
};

}  // namespace sealift::image
