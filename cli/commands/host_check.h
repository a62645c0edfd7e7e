// SPDX-License-Identifier: Apache-2.0
/// sealift host check: what this computer still lacks to be a host.
#pragma once

#include "cli/command_line.h"

namespace sealift::cli {

void declare_host_check(Command host);

}  // namespace sealift::cli
