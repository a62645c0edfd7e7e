// SPDX-License-Identifier: Apache-2.0
/// A POWER9 under QEMU that has not started: its memory is a file that we share, its debugging port a socket.
#pragma once

#include <optional>
#include <string>

#include "emulator/pef/gdb/client.h"
#include "emulator/pef/guest/memory.h"
#include "services/ultravisor/adapters/guest_process.h"
#include "services/ultravisor/domain/launcher.h"

namespace sealift::pef {

struct QemuOptions {
  std::string program = "/usr/bin/qemu-system-ppc64";
  std::shared_ptr<const UniqueFd> firmware;    ///< another SLOF than QEMU's own; null: that one
  std::optional<ultravisor::Identity> run_as;  ///< set where we are root
};

struct PausedGuest {
  std::shared_ptr<ultravisor::GuestProcess> process;
  GuestMemory memory;
  GdbClient gdb;
};

Result<PausedGuest> start_paused(const QemuOptions& options, const ultravisor::GuestSpec& spec);

}  // namespace sealift::pef
