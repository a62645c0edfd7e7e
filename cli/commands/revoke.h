// SPDX-License-Identifier: Apache-2.0
/// The group `revoke`: trust taken back.
#pragma once

#include "cli/command_line.h"

namespace sealift::cli {

void declare_revoke(Command root);

}  // namespace sealift::cli
