// SPDX-License-Identifier: Apache-2.0
#include "guest/agent/switch_root.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "guest/agent/console.h"
#include "guest/agent/root_disk.h"

namespace sealift::guest {
namespace {

constexpr const char* kInit = "/sbin/init";

/// Whether `word` stands alone in the kernel's command line.
bool on_command_line(const char* word) {
  std::FILE* file = std::fopen("/proc/cmdline", "re");
  if (file == nullptr) give_up("cannot read /proc/cmdline", "", errno);
  char text[4096];
  const auto size = std::fread(text, 1, sizeof text - 1, file);
  std::fclose(file);
  text[size] = '\0';
  char* state = nullptr;
  for (char* token = strtok_r(text, " \n", &state); token != nullptr;
       token = strtok_r(nullptr, " \n", &state))
    if (std::strcmp(token, word) == 0) return true;
  return false;
}

/// Deletes what is below `directory` and on the file system `device`; takes the descriptor.
void delete_below(int directory, dev_t device) {
  DIR* stream = fdopendir(directory);
  if (stream == nullptr) {
    close(directory);
    return;
  }
  while (const dirent* entry = readdir(stream)) {
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
    struct stat status{};
    if (fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || status.st_dev != device)
      continue;
    if (!S_ISDIR(status.st_mode)) {
      unlinkat(directory, entry->d_name, 0);
      continue;
    }
    const int child = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (child >= 0) delete_below(child, device);
    unlinkat(directory, entry->d_name, AT_REMOVEDIR);
  }
  closedir(stream);
}

void move_mount(const char* from) {
  char to[64];
  std::snprintf(to, sizeof to, "%s%s", kNewRoot, from);
  if (mount(from, to, nullptr, MS_MOVE, nullptr) != 0)
    give_up("the root file system has no directory ", from, errno);
}

void attach_console() {
  const int console = open("/dev/console", O_RDWR | O_NOCTTY);
  if (console < 0) return;  // what the kernel opened for us stays
  for (int fd = 0; fd <= 2; ++fd) dup2(console, fd);
  if (console > 2) close(console);
}

}  // namespace

void mount_root() {
  mkdir(kNewRoot, 0700);
  const unsigned long flags = on_command_line("rw") ? 0 : MS_RDONLY;
  if (mount(kMappedDevice, kNewRoot, "ext4", flags, nullptr) != 0)
    give_up("cannot mount the root file system", "", errno);
}

void switch_root(char** argv) {
  for (const char* directory : {"/dev", "/proc", "/sys", "/run"}) move_mount(directory);
  struct stat old_root{};
  const int old = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (old < 0 || fstat(old, &old_root) != 0 || chdir(kNewRoot) != 0)
    give_up("cannot leave the initramfs", "", errno);
  delete_below(old, old_root.st_dev);
  if (mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 || chroot(".") != 0 || chdir("/") != 0)
    give_up("cannot switch to the root file system", "", errno);
  attach_console();
  argv[0] = const_cast<char*>(kInit);
  execv(kInit, argv);
  give_up("the root file system has no working ", kInit, errno);
}

}  // namespace sealift::guest
