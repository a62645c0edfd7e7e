// SPDX-License-Identifier: Apache-2.0
/// The ultravisor's door: a unix socket for the host agent's user alone, one thread per connection, a bounded
/// number of them.
#pragma once

#include <filesystem>

#include "services/ultravisor/adapters/qemu.h"
#include "services/ultravisor/domain/launcher.h"

namespace sealift::ultravisor {

class Server {
 public:
  static constexpr int kMaxConnections = 256;

  Server(Launcher& launcher, QemuRunner& runner) : launcher_{launcher}, runner_{runner} {}
  /// Listens at `path` (mode 0600) and serves until `stop` becomes readable; then ends every guest.
  Status serve(const std::filesystem::path& path, int stop);

 private:
  void handle(UniqueFd client);
  void answer(int client, LaunchRequest request);
  Launcher& launcher_;
  QemuRunner& runner_;
};

}  // namespace sealift::ultravisor
