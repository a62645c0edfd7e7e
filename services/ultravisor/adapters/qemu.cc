// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/adapters/qemu.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest/agent/customer_data_wire.h"
#include "services/ultravisor/adapters/guest_process.h"

namespace sealift::ultravisor {
namespace {

enum Passed : int { kKernel = 3, kInitramfs, kRootDisk, kOverlay, kPort };

std::string fd_path(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

/// One running QEMU and our end of its customer-data port.
class QemuGuest final : public RunningGuest {
 public:
  QemuGuest(GuestProcess process, UniqueFd port, std::chrono::seconds limit)
      : process_{std::move(process)}, port_{std::move(port)}, limit_{limit} {}

  Status hand_over(const SecretBytes& customer_data) override {
    const UniqueFd port = std::move(port_);
    deadline_ = std::chrono::steady_clock::now() + limit_;
    SEALIFT_CHECK(await_hello(port.get()));
    SEALIFT_CHECK(write_all(port.get(), customer_data.expose()));
    SEALIFT_TRY(const auto answer, read_byte(port.get()));
    if (answer == guest::kAccepted) return {};
    return fail(ErrorCode::guest_failed, "the guest did not accept its customer data", "customer-data");
  }

  Result<int> wait() override { return process_.wait(); }
  void stop() override { process_.stop(); }

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

  GuestProcess process_;
  UniqueFd port_;
  std::chrono::seconds limit_;
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace

std::vector<std::string> qemu_arguments(const QemuOptions& options, const GuestSpec& spec) {
  auto argv = qemu_base_arguments(options.program, spec.id);
  argv.insert(argv.end(), {"-machine", "q35,accel=" + options.accelerator, "-cpu", "max", "-m",
                           std::to_string(spec.memory_mib), "-smp", std::to_string(spec.cpus), "-kernel",
                           fd_path(kKernel), "-initrd", fd_path(kInitramfs), "-append", spec.cmdline});
  const auto disk = root_disk_arguments(kRootDisk, kOverlay);
  argv.insert(argv.end(), disk.begin(), disk.end());
  argv.insert(argv.end(), {"-device", "virtio-serial-pci", "-chardev",
                           fmt::format("socket,id=customer-data,fd={}", static_cast<int>(kPort)), "-device",
                           fmt::format("virtserialport,chardev=customer-data,name={}", guest::kPortName),
                           "-device", "virtio-rng-pci"});
  return argv;
}

Result<std::shared_ptr<RunningGuest>> QemuRunner::start(const GuestSpec& spec) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socketpair");
  UniqueFd ours{ends[0]};
  const UniqueFd theirs{ends[1]};
  SEALIFT_TRY(auto process, GuestProcess::start(qemu_arguments(options_, spec),
                                                {spec.kernel.fd(), spec.initramfs.fd(), spec.root_disk,
                                                 spec.overlay, theirs.get()},
                                                spec.console, options_.run_as ? &*options_.run_as : nullptr));
  return std::make_shared<QemuGuest>(std::move(process), std::move(ours), options_.hand_over_limit);
}

}  // namespace sealift::ultravisor
