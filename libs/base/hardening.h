// SPDX-License-Identifier: Apache-2.0
/// What a process that holds secrets does to itself first.
#pragma once

#include "base/result.h"

namespace sealift {

/// No core dump, no ptrace by the same user (PR_SET_DUMPABLE 0, RLIMIT_CORE 0), no new privileges; and all
/// memory locked for root or under an infinite RLIMIT_MEMLOCK. Fails where one of these does not hold.
Status harden_process();

}  // namespace sealift
