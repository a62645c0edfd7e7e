// SPDX-License-Identifier: Apache-2.0
/// Starting a program that must be able to do as little as possible: another user, no network, no other
/// process's IPC, no new privileges, no core dump, no open file but those given, and it dies with us.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/process.h"

namespace sealift::ultravisor {

/// Whom to become; nobody where we are not root, because then we are unprivileged already.
struct Identity {
  uid_t uid;
  gid_t gid;
};

struct SandboxedCommand {
  std::vector<std::string> argv;  ///< argv[0] is a path
  std::vector<int> fds;           ///< become 0, 1, 2, … in the child; all others are closed
};

/// The user's ids. not_found where there is no such user.
Result<Identity> identity_of(const std::string& user);

/// The child lives at most as long as the calling thread.
Result<Child> spawn_sandboxed(const SandboxedCommand& command, const Identity* become);

}  // namespace sealift::ultravisor
