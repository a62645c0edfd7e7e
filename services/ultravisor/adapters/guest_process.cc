// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/adapters/guest_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "guest/agent/customer_data_wire.h"

namespace sealift::ultravisor {
namespace {

using Json = nlohmann::json;

Json file_node(int fdset, bool read_only) {
  Json node{{"driver", "file"}, {"filename", fmt::format("/dev/fdset/{}", fdset)}, {"read-only", read_only}};
  if (read_only) node["locking"] = "off";  // one disk, many instances
  return node;
}

std::string disk_node() {
  const Json backing{{"driver", "raw"}, {"read-only", true}, {"file", file_node(1, true)}};
  return Json{{"driver", "qcow2"}, {"node-name", "root"}, {"file", file_node(2, false)}, {"backing", backing}}
      .dump();
}

}  // namespace

std::vector<std::string> root_disk_arguments(int root_disk, int overlay) {
  return {"-add-fd",   fmt::format("fd={},set=1", root_disk),
          "-add-fd",   fmt::format("fd={},set=2", overlay),
          "-blockdev", disk_node(),
          "-device",   fmt::format("virtio-blk-pci,drive=root,serial={}", guest::kRootDiskSerial)};
}

std::vector<std::string> qemu_base_arguments(const std::string& program, const std::string& name) {
  return {program,
          "-name",
          name,
          "-nodefaults",
          "-no-user-config",
          "-no-reboot",
          "-display",
          "none",
          "-vga",
          "none",
          "-sandbox",
          "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
          "-chardev",
          "stdio,id=console,signal=off",
          "-serial",
          "chardev:console"};
}

Result<GuestProcess> GuestProcess::start(std::vector<std::string> argv, const std::vector<int>& fds,
                                         int console, const Identity* run_as) {
  SEALIFT_TRY(const auto null, open_file("/dev/null", O_RDONLY));
  SEALIFT_TRY(auto kept, Console::open(console));
  SandboxedCommand command{std::move(argv), {null.get(), kept.guests_end(), STDERR_FILENO}};
  command.fds.insert(command.fds.end(), fds.begin(), fds.end());
  SEALIFT_TRY(auto child, spawn_sandboxed(command, run_as));
  UniqueFd process{static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0))};
  if (!process) return fail_errno("pidfd_open");
  kept.keep();
  return GuestProcess{std::move(child), std::move(process), std::move(kept)};
}

Result<int> GuestProcess::wait() {
  SEALIFT_TRY(const int status, child_.wait());
  console_.finish();
  return status;
}

Result<int> GuestProcess::wait(std::chrono::milliseconds limit) {
  SEALIFT_TRY(const int status, child_.wait(limit));
  console_.finish();
  return status;
}

void GuestProcess::stop() { ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0); }

}  // namespace sealift::ultravisor
