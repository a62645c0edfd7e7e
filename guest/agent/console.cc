// SPDX-License-Identifier: Apache-2.0
#include "guest/agent/console.h"

#include <sys/reboot.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace sealift::guest {
namespace {

void write_line(const char* line) {
  // One write, so that no kernel message comes in between; a console that takes nothing is no reason to stop.
  [[maybe_unused]] const auto written = write(STDOUT_FILENO, line, std::strlen(line));
}

}  // namespace

void say(const char* text, const char* more) {
  char line[256];
  std::snprintf(line, sizeof line, "sealift: %s%s\n", text, more);
  write_line(line);
}

void give_up(const char* text, const char* more, int error) {
  char line[256];
  std::snprintf(line, sizeof line, "sealift: stopped: %s%s%s%s\n", text, more, error != 0 ? ": " : "",
                error != 0 ? std::strerror(error) : "");
  write_line(line);
  sync();
  reboot(RB_POWER_OFF);
  for (;;) pause();  // a machine that cannot switch itself off must not fall through to a kernel panic
}

}  // namespace sealift::guest
