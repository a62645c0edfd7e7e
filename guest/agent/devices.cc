// SPDX-License-Identifier: Apache-2.0
#include "guest/agent/devices.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <string_view>

#include "guest/agent/console.h"
#include "guest/agent/customer_data_wire.h"

namespace sealift::guest {
namespace {

/// Where a class of devices is listed, and which of a device's attributes carries the name to look for.
struct DeviceClass {
  const char* directory;
  const char* attribute;
};

bool attribute_is(const DeviceClass& in, const char* device, std::string_view wanted) {
  char path[kMaxDevicePath];
  std::snprintf(path, sizeof path, "%s/%s/%s", in.directory, device, in.attribute);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char value[128];
  const auto size = read(fd, value, sizeof value);
  close(fd);
  if (size <= 0) return false;
  std::string_view text{value, static_cast<std::size_t>(size)};
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  return text == wanted;
}

bool find_once(const DeviceClass& in, std::string_view wanted, char (&path)[kMaxDevicePath]) {
  DIR* directory = opendir(in.directory);
  if (directory == nullptr) return false;
  bool found = false;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.' || !attribute_is(in, entry->d_name, wanted)) continue;
    std::snprintf(path, sizeof path, "/dev/%s", entry->d_name);
    found = access(path, F_OK) == 0;
    break;
  }
  closedir(directory);
  return found;
}

void find(const DeviceClass& in, std::string_view wanted, char (&path)[kMaxDevicePath]) {
  constexpr int kAttempts = 15'000;  // of 2 ms: half a minute
  constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 2'000'000};
  for (int i = 0; i < kAttempts; ++i) {
    if (find_once(in, wanted, path)) return;
    nanosleep(&kPause, nullptr);
  }
  give_up("this machine has no device named ", wanted.data());
}

}  // namespace

void find_port(char (&path)[kMaxDevicePath]) { find({"/sys/class/virtio-ports", "name"}, kPortName, path); }

void find_root_disk(char (&path)[kMaxDevicePath]) { find({"/sys/block", "serial"}, kRootDiskSerial, path); }

}  // namespace sealift::guest
