// SPDX-License-Identifier: Apache-2.0
/// Commands that wait for a host, and their results. Added with the launch's change that makes them necessary
/// (launches.h), so none is lost and none is sent for nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::sql {
class Database;
}

namespace sealift::store {

struct HostCommand {
  std::string command_id;
  std::string host_id;
  std::string launch_id;
  std::string kind;
  Bytes payload;
  bool done = false;
  Bytes result;  ///< empty until done
  std::int64_t created_at_ms = 0;
};

class CommandStore {
 public:
  virtual ~CommandStore() = default;
  /// Commands of the host that are not done, oldest first, then by id. `after` is the id of the last one of
  /// the page before; "" or one that is gone begins at the front.
  virtual Result<std::vector<HostCommand>> pending(const std::string& host_id, const std::string& after,
                                                   int limit) = 0;
  /// The first result stays; each further one is ignored. The first makes the launch, unless it ended, due
  /// now and gives it a new version, so that whoever works on it looks again. not_found where it is no
  /// command of this host.
  /// `soon`: on disk a moment later (sql/database.h), for a result that the host can give again.
  virtual Status complete(const std::string& command_id, const std::string& host_id, const Bytes& result,
                          std::int64_t now_ms, bool soon = false) = 0;
  /// not_found.
  virtual Result<HostCommand> get(const std::string& command_id) = 0;
  /// A command that changes nothing of its launch. already_exists.
  virtual Status add(const HostCommand& command) = 0;
  virtual Status remove(const std::string& command_id) = 0;
  virtual Status remove_of(const std::string& launch_id) = 0;
};

/// On a database that was opened with the launches' schema (schemas.h); it outlives the port.
std::unique_ptr<CommandStore> make_command_store(sql::Database& database);

}  // namespace sealift::store
