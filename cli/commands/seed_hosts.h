// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command_line.h"

namespace sealift::cli {

/// `seed hosts`.
void declare_seed_hosts(Command& group);

}  // namespace sealift::cli
