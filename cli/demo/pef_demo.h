// SPDX-License-Identifier: Apache-2.0
/// `sealift demo --tee pef`: a guest that asks for secure mode itself, on an emulated POWER9.
#pragma once

#include "cli/demo/demo.h"
#include "cli/demo/stage.h"

namespace sealift::cli {

Status run_pef_demo(Stage& stage, const DemoOptions& options);

}  // namespace sealift::cli
