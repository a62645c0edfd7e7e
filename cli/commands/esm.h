// SPDX-License-Identifier: Apache-2.0
/// The parts of `sealift esm`.
#pragma once

#include "cli/command_line.h"

namespace sealift::cli {

void declare_esm_show(Command& group);
void declare_esm_verify(Command& group);
void declare_esm_make(Command& group);
void declare_esm_authorize(Command& group);

}  // namespace sealift::cli
