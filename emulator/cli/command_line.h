// SPDX-License-Identifier: Apache-2.0
/// The command line of sealift-emulator. emulator/README.md has its contract.
#pragma once

namespace sealift::emulator {

/// Parses, runs, prints; returns the exit status: 0, or 1 refused, 2 usage, 3 environment.
int run_command_line(int argc, const char* const* argv);

}  // namespace sealift::emulator
