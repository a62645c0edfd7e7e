// SPDX-License-Identifier: Apache-2.0
/// What the agent says, one line each on the console, and how it ends when it cannot go on.
#pragma once

namespace sealift::guest {

/// "sealift: <text><more>"
void say(const char* text, const char* more = "");

/// Says it, with the reason in `error` (an errno) where there is one, and powers the machine off. There is
/// never a shell: whoever has the console is not whom the disk belongs to.
[[noreturn]] void give_up(const char* text, const char* more = "", int error = 0);

}  // namespace sealift::guest
