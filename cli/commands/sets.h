// SPDX-License-Identifier: Apache-2.0
/// `set`: hosts that images are sealed to ahead.
#pragma once

#include "cli/command_line.h"

namespace sealift::cli {

void declare_sets(Command root);

}  // namespace sealift::cli
