// SPDX-License-Identifier: Apache-2.0
/// One guest on one host, from the launch request to its end, as an untrusted host agent sees it.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "cli/run/console_stream.h"
#include "services/ultravisor/api/messages.h"

namespace sealift::cli {

struct SessionOptions {
  std::filesystem::path socket;     ///< the ultravisor's
  std::optional<Pattern> until;     ///< stop the guest once its console printed this
  std::chrono::seconds timeout{0};  ///< 0: none
  std::function<void(const ultravisor::Event&)> on_event;
  ConsoleStream::Sinks console;
};

struct SessionEnd {
  std::optional<int> exit_status;  ///< of the guest, where it ended by itself
  std::string matched;             ///< the line that was waited for
};

/// Runs it. The ultravisor's refusal as it is; guest_failed where the guest ended badly, or before it printed
/// what was waited for; timeout and canceled after the guest was stopped.
Result<SessionEnd> run_session(ultravisor::LaunchRequest request, SessionOptions options);

}  // namespace sealift::cli
