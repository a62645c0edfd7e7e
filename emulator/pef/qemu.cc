// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/qemu.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sealift::pef {
namespace {

enum Passed : int { kKernel = 3, kInitramfs, kRootDisk, kOverlay, kMemory, kPort, kFirmware };

std::string fd_path(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

std::vector<std::string> arguments(const QemuOptions& options, const ultravisor::GuestSpec& spec) {
  auto argv = ultravisor::qemu_base_arguments(options.program, spec.id);
  // TCG has none of the mitigations that a pseries machine promises by default.
  argv.insert(argv.end(),
              {"-machine",
               "pseries,accel=tcg,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off,"
               "memory-backend=ram",
               "-object",
               fmt::format("memory-backend-file,id=ram,size={}M,mem-path={},share=on", spec.memory_mib,
                           fd_path(kMemory)),
               "-cpu",
               "power9",
               "-m",
               std::to_string(spec.memory_mib),
               "-smp",
               std::to_string(spec.cpus),
               "-kernel",
               fd_path(kKernel),
               "-initrd",
               fd_path(kInitramfs),
               "-append",
               spec.cmdline,
               "-chardev",
               fmt::format("socket,id=gdb,fd={}", static_cast<int>(kPort)),
               "-gdb",
               "chardev:gdb",
               "-S"});
  if (options.firmware) argv.insert(argv.end(), {"-bios", fd_path(kFirmware)});
  const auto disk = ultravisor::root_disk_arguments(kRootDisk, kOverlay);
  argv.insert(argv.end(), disk.begin(), disk.end());
  argv.insert(argv.end(), {"-device", "virtio-rng-pci"});
  return argv;
}

Result<UniqueFd> make_memory(std::uint32_t mib) {
  UniqueFd fd{::memfd_create("sealift-guest-memory", MFD_CLOEXEC)};
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(mib) << 20) != 0)
    return fail_errno("make the guest's memory");
  return fd;
}

}  // namespace

Result<PausedGuest> start_paused(const QemuOptions& options, const ultravisor::GuestSpec& spec) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socketpair");
  UniqueFd ours{ends[0]};
  const UniqueFd theirs{ends[1]};
  SEALIFT_TRY(const auto memory, make_memory(spec.memory_mib));
  SEALIFT_TRY(auto mapped, GuestMemory::map(memory.get()));
  std::vector<int> fds{spec.kernel.fd(), spec.initramfs.fd(), spec.root_disk,
                       spec.overlay,     memory.get(),        theirs.get()};
  if (options.firmware) fds.push_back(options.firmware->get());
  SEALIFT_TRY(auto process, ultravisor::GuestProcess::start(arguments(options, spec), fds, spec.console,
                                                            options.run_as ? &*options.run_as : nullptr));
  return PausedGuest{std::make_shared<ultravisor::GuestProcess>(std::move(process)), std::move(mapped),
                     GdbClient{std::move(ours)}};
}

}  // namespace sealift::pef
