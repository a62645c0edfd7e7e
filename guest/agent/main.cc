// SPDX-License-Identifier: Apache-2.0
/// sealift-unlock, /init of the initramfs: takes the customer data from the host, or from the launch secret
/// where it was built for SEV, or from its own memory on an emulated POWER9, opens the root disk with CD1,
/// leaves CD2… for the real system, and becomes its init. No network, no shell, no other way out than power
/// off.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "guest/agent/channel.h"
#include "guest/agent/console.h"
#include "guest/agent/customer_data_page.h"
#include "guest/agent/launch_secret.h"
#include "guest/agent/modules.h"
#include "guest/agent/root_disk.h"
#include "guest/agent/switch_root.h"

namespace sealift::guest {
namespace {

void mount_at(const char* type, const char* directory, unsigned long flags, const char* options) {
  mkdir(directory, 0755);
  if (mount(type, directory, type, flags, options) != 0 && errno != EBUSY)
    give_up("cannot mount ", directory, errno);
}

void mount_kernel_file_systems() {
  mount_at("devtmpfs", "/dev", MS_NOSUID, "mode=0755");
  mount_at("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  mount_at("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  mount_at("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755");
}

void write_entry(const WireEntry& entry) {
  char path[128];
  std::snprintf(path, sizeof path, "%s/%.*s", kCustomerDataDirectory.data(),
                static_cast<int>(entry.name.size()), entry.name.data());
  const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
  if (fd < 0) give_up("cannot write ", path, errno);
  const auto written = write(fd, entry.bytes.data(), entry.bytes.size());
  if (written != static_cast<ssize_t>(entry.bytes.size())) give_up("cannot write ", path, errno);
  close(fd);
}

/// All but CD1, which the running system has no use for.
void leave_customer_data(const ReceivedData& data) {
  mkdir("/run/sealift", 0755);
  mkdir(kCustomerDataDirectory.data(), 0700);
  for (const auto& entry : data.entries())
    if (entry.name != kRootPassphraseName) write_entry(entry);
}

}  // namespace
}  // namespace sealift::guest

int main(int /*argc*/, char** argv) {
  using namespace sealift::guest;
  if (getpid() != 1) {
    std::fputs("sealift-unlock is the /init of an initramfs; it does nothing elsewhere\n", stderr);
    return 2;
  }
  mount_kernel_file_systems();
  load_modules();
  {
    ReceivedData data;
    if (access(kSevMark, F_OK) == 0)
      receive_launch_secret(data);
    else if (!receive_from_page(data))
      receive_from_host(data);
    say("customer data received");
    leave_customer_data(data);
    open_root_disk(data.root_passphrase());
    data.wipe();
  }
  say("root disk opened");
  mount_root();
  switch_root(argv);
}
