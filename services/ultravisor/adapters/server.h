// SPDX-License-Identifier: Apache-2.0
/// The ultravisor's door: a unix socket for the host agent's user alone, one thread per connection, a bounded
/// number of them.
#pragma once

#include <filesystem>

#include "services/ultravisor/domain/launcher.h"
#include "services/ultravisor/domain/launches.h"

namespace sealift::ultravisor {

class Server {
 public:
  static constexpr int kMaxConnections = 256;

  explicit Server(Launcher& launcher) : launcher_{launcher} {}
  /// Listens at `path` (mode 0600) and serves until `stop` becomes readable; then ends every guest.
  Status serve(const std::filesystem::path& path, int stop);

 private:
  void handle(UniqueFd client);
  Reply answer(int client, LaunchRequest request);
  Reply answer(int client, const WatchRequest& request);
  Reply answer(int client, const StopRequest& request);
  Reply answer(int client, const ListRequest& request);
  Launcher& launcher_;
  Launches launches_;
};

}  // namespace sealift::ultravisor
