// SPDX-License-Identifier: Apache-2.0
/// A stopped or running machine through QEMU's debugging port (gdbstub), which is a connected socket.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/file.h"
#include "emulator/pef/gdb/packets.h"

namespace sealift::pef {

class GdbClient {
 public:
  using Clock = std::chrono::steady_clock;
  explicit GdbClient(UniqueFd socket) : socket_{std::move(socket)} {}

  /// The answer to a command, within `limit`. unsupported for "E…" and for nothing; timeout; guest_failed
  /// where QEMU is gone.
  Result<std::string> ask(std::string_view command, std::chrono::seconds limit = std::chrono::seconds{30});
  /// The same, where "OK" must come.
  Status order(std::string_view command);
  /// Lets the machine run; its next stop is the next answer.
  Status resume();
  Result<std::string> next_stop(Clock::time_point deadline);
  /// A document of the target's description (qXfer:features:read).
  Result<std::string> document(const std::string& name);

 private:
  Status send(std::string_view data);
  Result<std::string> receive(Clock::time_point deadline);
  Status receive_some(Clock::time_point deadline);
  UniqueFd socket_;
  PacketReader packets_;
};

}  // namespace sealift::pef
