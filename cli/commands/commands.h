// SPDX-License-Identifier: Apache-2.0
/// The command groups of `sealift`; each file of this folder declares and runs one.
#pragma once

#include "cli/command_line.h"

namespace sealift::cli {

void declare_image(Command root);
void declare_esm(Command root);
void declare_tpm(Command root);
void declare_policy(Command root);
void declare_enrol(Command root);
void declare_dev(Command root);
void declare_demo(Command root);

}  // namespace sealift::cli
