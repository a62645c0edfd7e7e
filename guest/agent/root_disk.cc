// SPDX-License-Identifier: Apache-2.0
#include "guest/agent/root_disk.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "guest/agent/console.h"
#include "guest/agent/devices.h"

namespace sealift::guest {
namespace {

[[noreturn]] void run_cryptsetup(const char* disk, int passphrase) {
  dup2(passphrase, STDIN_FILENO);
  const char* const argv[] = {"cryptsetup", "open", "--type",       "luks2", "--header",  kLuksHeader,
                              "--key-file", "-",    "--batch-mode", disk,    kMappedName, nullptr};
  // No udev here: libdevmapper makes the node itself. The libraries are all in one directory.
  const char* const environment[] = {"PATH=/sbin", "LD_LIBRARY_PATH=/lib", "DM_DISABLE_UDEV=1", nullptr};
  execve("/sbin/cryptsetup", const_cast<char* const*>(argv), const_cast<char* const*>(environment));
  _exit(127);
}

}  // namespace

void open_root_disk(std::span<const std::uint8_t> passphrase) {
  char disk[kMaxDevicePath];
  find_root_disk(disk);
  if (truncate(kLuksHeader, kLuksHeaderSize) != 0) give_up("the initramfs lacks ", kLuksHeader, errno);
  int ends[2];
  // A pipe holds 64 KiB, as much as an entry: the write below never waits.
  if (pipe2(ends, O_CLOEXEC) != 0) give_up("cannot make a pipe", "", errno);
  const pid_t child = fork();
  if (child < 0) give_up("cannot start cryptsetup", "", errno);
  if (child == 0) run_cryptsetup(disk, ends[0]);
  close(ends[0]);
  const auto written = write(ends[1], passphrase.data(), passphrase.size());
  close(ends[1]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (written != static_cast<ssize_t>(passphrase.size()) || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    give_up("the root disk does not open with this image's passphrase");
}

}  // namespace sealift::guest
