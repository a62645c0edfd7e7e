// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/adapters/qemu.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "guest/agent/customer_data_wire.h"
#include "services/ultravisor/adapters/console.h"

namespace sealift::ultravisor {
namespace {

using Json = nlohmann::json;

enum Passed : int { kKernel = 3, kInitramfs, kRootDisk, kOverlay, kPort };

std::string fd_path(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

Json file_node(int fdset, bool read_only) {
  Json node{{"driver", "file"}, {"filename", fmt::format("/dev/fdset/{}", fdset)}, {"read-only", read_only}};
  if (read_only) node["locking"] = "off";  // one disk, many instances
  return node;
}

/// The guest's writes go to the overlay, the image's own disk is only read.
std::string disk_node() {
  const Json backing{{"driver", "raw"}, {"read-only", true}, {"file", file_node(1, true)}};
  return Json{{"driver", "qcow2"}, {"node-name", "root"}, {"file", file_node(2, false)}, {"backing", backing}}
      .dump();
}

/// One running QEMU and our end of its customer-data port.
class QemuGuest final : public RunningGuest {
 public:
  QemuGuest(Child child, UniqueFd process, UniqueFd port, Console console, std::chrono::seconds limit)
      : console_{std::move(console)},
        child_{std::move(child)},
        process_{std::move(process)},
        port_{std::move(port)},
        limit_{limit} {}

  Status hand_over(const SecretBytes& customer_data) override {
    const UniqueFd port = std::move(port_);
    deadline_ = std::chrono::steady_clock::now() + limit_;
    SEALIFT_CHECK(await_hello(port.get()));
    SEALIFT_CHECK(write_all(port.get(), customer_data.expose()));
    SEALIFT_TRY(const auto answer, read_byte(port.get()));
    if (answer == guest::kAccepted) return {};
    return fail(ErrorCode::guest_failed, "the guest did not accept its customer data", "customer-data");
  }

  Result<int> wait() override {
    SEALIFT_TRY(const int status, child_.wait());
    console_.finish();
    return status;
  }

  void stop() override { ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0); }

 private:
  Status await_hello(int port) {
    for (const char expected : guest::kHello) {
      SEALIFT_TRY(const auto byte, read_byte(port));
      if (byte != static_cast<std::uint8_t>(expected)) {
        return fail(ErrorCode::guest_failed, "the guest asked for its customer data in an unknown way",
                    "customer-data");
      }
    }
    return {};
  }

  Result<std::uint8_t> read_byte(int port) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
    pollfd ready{port, POLLIN, 0};
    const int got = left.count() <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(left.count()));
    if (got < 0 && errno == EINTR) return read_byte(port);
    if (got == 0) return fail(ErrorCode::timeout, "the guest did not ask for its customer data in time");
    std::uint8_t byte = 0;
    if (got < 0 || ::read(port, &byte, 1) != 1) {
      return fail(ErrorCode::guest_failed, "the guest ended before it took its customer data",
                  "customer-data");
    }
    return byte;
  }

  Console console_;  // its end comes with the child's, so it goes after it
  Child child_;
  UniqueFd process_;  // a pidfd: a signal through it never hits another process
  UniqueFd port_;
  std::chrono::seconds limit_;
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace

std::vector<std::string> qemu_arguments(const QemuOptions& options, const GuestSpec& spec) {
  return {options.program,
          "-name",
          spec.id,
          "-nodefaults",
          "-no-user-config",
          "-no-reboot",
          "-machine",
          "q35,accel=" + options.accelerator,
          "-cpu",
          "max",
          "-m",
          std::to_string(spec.memory_mib),
          "-smp",
          std::to_string(spec.cpus),
          "-display",
          "none",
          "-vga",
          "none",
          "-sandbox",
          "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
          "-kernel",
          fd_path(kKernel),
          "-initrd",
          fd_path(kInitramfs),
          "-append",
          spec.cmdline,
          "-chardev",
          "stdio,id=console,signal=off",
          "-serial",
          "chardev:console",
          "-add-fd",
          fmt::format("fd={},set=1", static_cast<int>(kRootDisk)),
          "-add-fd",
          fmt::format("fd={},set=2", static_cast<int>(kOverlay)),
          "-blockdev",
          disk_node(),
          "-device",
          fmt::format("virtio-blk-pci,drive=root,serial={}", guest::kRootDiskSerial),
          "-device",
          "virtio-serial-pci",
          "-chardev",
          fmt::format("socket,id=customer-data,fd={}", static_cast<int>(kPort)),
          "-device",
          fmt::format("virtserialport,chardev=customer-data,name={}", guest::kPortName),
          "-device",
          "virtio-rng-pci"};
}

Result<std::shared_ptr<RunningGuest>> QemuRunner::start(const GuestSpec& spec) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socketpair");
  UniqueFd ours{ends[0]};
  const UniqueFd theirs{ends[1]};
  SEALIFT_TRY(const auto null, open_file("/dev/null", O_RDONLY));
  SEALIFT_TRY(auto console, Console::open(spec.console));
  const SandboxedCommand command{qemu_arguments(options_, spec),
                                 {null.get(), console.guests_end(), STDERR_FILENO, spec.kernel.fd(),
                                  spec.initramfs.fd(), spec.root_disk, spec.overlay, theirs.get()}};
  SEALIFT_TRY(auto child, spawn_sandboxed(command, options_.run_as ? &*options_.run_as : nullptr));
  UniqueFd process{static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0))};
  if (!process) return fail_errno("pidfd_open");
  console.keep();
  return std::make_shared<QemuGuest>(std::move(child), std::move(process), std::move(ours),
                                     std::move(console), options_.hand_over_limit);
}

}  // namespace sealift::ultravisor
