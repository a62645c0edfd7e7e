// SPDX-License-Identifier: Apache-2.0
/// The commands of `sealift sev`.
#pragma once

#include "cli/command_line.h"

namespace sealift::cli {

/// verify-chain and session
void declare_sev_platform(Command& group);
/// digest and measure
void declare_sev_launch(Command& group);
void declare_sev_secret(Command& group);
void declare_sev_explain(Command& group);

}  // namespace sealift::cli
