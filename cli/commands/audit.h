// SPDX-License-Identifier: Apache-2.0
/// The group `audit`: the log of what the security module decided (merkle/log.h).
#pragma once

#include "cli/command_line.h"

namespace sealift::cli {

void declare_audit(Command root);

}  // namespace sealift::cli
