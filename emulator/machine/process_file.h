// SPDX-License-Identifier: Apache-2.0
/// Long-lived processes of a machine, remembered in files: "PID START-TIME". A number that now belongs to
/// another process is never mistaken for ours, because that one started at another time.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>

#include "base/result.h"

namespace sealift::emulator {

/// Remembers `pid`: a process that runs, or a child of ours that has ended and was not waited for yet.
Status write_process_file(const std::filesystem::path& file, pid_t pid);

/// The remembered process, if it still runs.
std::optional<pid_t> running_process(const std::filesystem::path& file);

/// Ends the remembered process, if it still runs: SIGTERM, after `grace` SIGKILL. Returns when it is gone;
/// the file is removed.
Status end_process(const std::filesystem::path& file, std::chrono::milliseconds grace);

}  // namespace sealift::emulator
