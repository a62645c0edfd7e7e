// SPDX-License-Identifier: Apache-2.0
/// `sealift demo --tee sev`: one launch on an emulated AMD machine with real firmware, and every refusal.
#pragma once

#include "cli/demo/demo.h"

namespace sealift::cli {

/// Fails where a step that must succeed failed, or a verdict was not the expected one.
Status run_sev_demo(const DemoOptions& options);

}  // namespace sealift::cli
