// SPDX-License-Identifier: Apache-2.0
#include <linux/close_range.h>
#include <unistd.h>

#include "emulator/cli/command_line.h"

int main(int argc, char** argv) {
  // The machines that we start live on: what our caller left open must not live on in them.
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  return sealift::emulator::run_command_line(argc, argv);
}
