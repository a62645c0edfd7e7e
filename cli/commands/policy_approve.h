// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command_line.h"

namespace sealift::cli {

/// `policy approve` and `policy withdraw`.
void declare_approving(Command& group);

}  // namespace sealift::cli
