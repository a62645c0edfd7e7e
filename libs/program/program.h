// SPDX-License-Identifier: Apache-2.0
/// What the command lines of all services have in common: options from a file, exit statuses, and a last line
/// that says what was wrong, where, and what to do.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/result.h"

namespace sealift {

/// Reads the command line, and where it has --config, that file: "name = value" lines with the options'
/// names,
/// ["a", "b"] for several values. Then runs. Returns the exit status: 0 done, 1 refused, 2 typed wrongly, 3
/// something around is missing. An error is one line on standard error, which is the program's own log: it
/// has the error's detail as well.
int run_program(CLI::App& app, const char* name, int argc, char** argv, const std::function<Status()>& run);

}  // namespace sealift
