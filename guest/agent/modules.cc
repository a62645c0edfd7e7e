// SPDX-License-Identifier: Apache-2.0
#include "guest/agent/modules.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "guest/agent/console.h"

namespace sealift::guest {
namespace {

/// 0 or an errno.
int load_module(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const bool loaded = syscall(SYS_finit_module, fd, "", 0) == 0 || errno == EEXIST;
  const int error = loaded ? 0 : errno;
  close(fd);
  return error;
}

}  // namespace

void load_modules() {
  std::FILE* list = std::fopen(kModuleList, "re");
  if (list == nullptr) give_up("cannot read ", kModuleList, errno);
  char line[256];
  while (std::fgets(line, sizeof line, list) != nullptr) {
    line[std::strcspn(line, "\n")] = '\0';
    const bool optional = line[0] == '?';
    const char* path = optional ? line + 1 : line;
    if (const int error = load_module(path); error != 0 && !optional)
      give_up("cannot load the kernel module ", path, error);
  }
  std::fclose(list);
}

}  // namespace sealift::guest
