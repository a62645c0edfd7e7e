// SPDX-License-Identifier: Apache-2.0
#include "cli/run/machine.h"

#include <nlohmann/json.hpp>

#include "cli/dev/emulator.h"

namespace sealift::cli {

Result<std::filesystem::path> ultravisor_socket_of(const std::string& name,
                                                   const std::filesystem::path& machines) {
  SEALIFT_TRY(const auto machine, run_emulator({"show", name}, machines));
  auto socket = machine.value("ultravisor_socket", "");
  if (socket.empty())
    return fail(ErrorCode::internal, "sealift-emulator does not tell the ultravisor's socket");
  if (machine.value("state", "") != "on") {
    return fail(ErrorCode::unavailable, "machine " + name + " is off: sealift dev host boot " + name,
                "state");
  }
  return socket;
}

}  // namespace sealift::cli
