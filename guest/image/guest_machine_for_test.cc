// SPDX-License-Identifier: Apache-2.0
#include "guest/image/guest_machine_for_test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "guest/agent/customer_data_wire.h"
#include "guest/image/image.h"

namespace sealift::image {
namespace {

constexpr int kPortInChild = 3;

std::vector<std::string> arguments(const std::filesystem::path& image, const std::filesystem::path& disk,
                                   const std::string& cmdline) {
  return {"qemu-system-x86_64",
          "-nodefaults",
          "-no-user-config",
          "-no-reboot",
          "-machine",
          "q35,accel=tcg",
          "-cpu",
          "max",
          "-m",
          "512",
          "-display",
          "none",
          "-serial",
          "stdio",
          "-kernel",
          image / kKernelFile,
          "-initrd",
          image / kInitramfsFile,
          "-append",
          cmdline,
          "-drive",
          "if=none,id=root,format=raw,snapshot=on,file=" + disk.string(),
          "-device",
          "virtio-blk-pci,drive=root,serial=" + std::string{guest::kRootDiskSerial},
          "-device",
          "virtio-serial-pci",
          "-chardev",
          "socket,id=port,fd=" + std::to_string(kPortInChild),
          "-device",
          "virtserialport,chardev=port,name=" + std::string{guest::kPortName},
          "-device",
          "virtio-rng-pci"};
}

/// False where `deadline` comes first.
Result<bool> wait_readable(int fd, std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
  const int count = left.count() <= 0 ? 0 : poll(&ready, 1, static_cast<int>(left.count()));
  if (count < 0) return fail_errno("poll");
  return count > 0;
}

}  // namespace

Result<GuestMachineForTest> GuestMachineForTest::start(const std::filesystem::path& image,
                                                       const std::filesystem::path& disk) {
  SEALIFT_TRY(const auto opened, ImageDirectory::open(image));
  std::array<int, 2> port{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, port.data()) != 0) return fail_errno("socketpair");
  UniqueFd ours{port[0]};
  const UniqueFd theirs{port[1]};
  std::array<int, 2> console{};
  if (pipe2(console.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
  UniqueFd output{console[0]};
  const UniqueFd input{console[1]};
  const Command command{.argv = arguments(image, disk, opened.cmdline()),
                        .environment = {},
                        .fds = {{theirs.get(), kPortInChild}},
                        .stdout_fd = input.get(),
                        .stderr_fd = STDERR_FILENO};
  SEALIFT_TRY(auto child, spawn(command));
  return GuestMachineForTest{std::move(child), std::move(ours), std::move(output)};
}

Result<std::uint8_t> GuestMachineForTest::read_port() {
  SEALIFT_TRY(const bool ready, wait_readable(port_.get(), deadline_));
  if (!ready)
    return fail(ErrorCode::timeout, "the guest said nothing on its port; its console: " + console_text_);
  std::uint8_t byte = 0;
  if (read(port_.get(), &byte, 1) != 1) return fail(ErrorCode::guest_failed, "the guest closed its port");
  return byte;
}

Result<std::uint8_t> GuestMachineForTest::hand_over(ByteView message) {
  for (const char expected : guest::kHello) {
    SEALIFT_TRY(const auto byte, read_port());
    if (byte != static_cast<std::uint8_t>(expected))
      return fail(ErrorCode::malformed, "not the guest's hello");
  }
  SEALIFT_CHECK(write_all(port_.get(), message));
  return read_port();
}

Result<bool> GuestMachineForTest::read_console() {
  SEALIFT_TRY(const bool ready, wait_readable(console_.get(), deadline_));
  if (!ready) return fail(ErrorCode::timeout, "the guest is silent; its console: " + console_text_);
  std::array<char, 4096> buffer{};
  const auto size = read(console_.get(), buffer.data(), buffer.size());
  if (size < 0) return fail_errno("read the console");
  console_text_.append(buffer.data(), static_cast<std::size_t>(size));
  return size > 0;
}

Status GuestMachineForTest::await_console(const std::string& text) {
  while (console_text_.find(text) == std::string::npos) {
    SEALIFT_TRY(const bool more, read_console());
    if (!more) return fail(ErrorCode::guest_failed, "the guest ended; its console: " + console_text_);
  }
  return {};
}

Status GuestMachineForTest::await_end() {
  for (;;) {
    SEALIFT_TRY(const bool more, read_console());
    if (!more) return {};
  }
}

}  // namespace sealift::image
