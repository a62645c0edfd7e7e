// SPDX-License-Identifier: Apache-2.0
#include "guest/agent/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "guest/agent/console.h"
#include "guest/agent/devices.h"

namespace sealift::guest {
namespace {

constexpr int kHostTimeoutMilliseconds = 120'000;

void wait_for(int port, short events) {
  pollfd ready{.fd = port, .events = events, .revents = 0};
  int count = 0;
  do count = poll(&ready, 1, kHostTimeoutMilliseconds);
  while (count < 0 && errno == EINTR);
  if (count < 0) give_up("cannot wait for the host", "", errno);
  if (count == 0) give_up("the host does not hand over the customer data");
}

void send_all(int port, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const auto sent = write(port, bytes.data(), bytes.size());
    if (sent > 0)
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    else if (sent < 0 && errno == EAGAIN)
      wait_for(port, POLLOUT);
    else
      give_up("cannot write to the host", "", errno);
  }
}

void receive_all(int port, std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const auto received = read(port, bytes.data(), bytes.size());
    if (received > 0)
      bytes = bytes.subspan(static_cast<std::size_t>(received));
    else if (received < 0 && errno == EAGAIN)
      wait_for(port, POLLIN);
    else if (received == 0)
      give_up("the host closed the customer data port too early");
    else
      give_up("cannot read from the host", "", errno);
  }
}

[[noreturn]] void refuse(int port, const char* why) {
  send_all(port, {&kRefused, 1});
  give_up(why);
}

}  // namespace

ReceivedData::ReceivedData() {
  char path[kMaxDevicePath];
  find_port(path);
  const int port = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (port < 0) give_up("cannot open ", path, errno);
  send_all(port, {reinterpret_cast<const std::uint8_t*>(kHello.data()), kHello.size()});
  read_from(port);
  send_all(port, {&kAccepted, 1});
  close(port);
}

void ReceivedData::read_from(int port) {
  std::array<std::uint8_t, kMessageHeaderSize> header{};
  receive_all(port, header);
  WireReader reader;
  if (!reader.read_header(header)) refuse(port, "the host sent something else than customer data");
  // Pages of our own, locked, so that a wipe reaches the only copy there is.
  void* memory = mmap(nullptr, reader.body_size() + 1, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
  if (memory == MAP_FAILED) give_up("no memory for the customer data", "", errno);
  body_ = {static_cast<std::uint8_t*>(memory), reader.body_size()};
  receive_all(port, body_);
  reader.begin_body(body_);
  for (count_ = 0; count_ < reader.count(); ++count_)
    if (!reader.next(entries_[count_])) refuse(port, "the host's customer data are malformed");
  if (!reader.finished()) refuse(port, "the host's customer data are malformed");
}

std::span<const std::uint8_t> ReceivedData::root_passphrase() const {
  for (const auto& entry : entries())
    if (entry.name == kRootPassphraseName) return entry.bytes;
  give_up("the customer data hold no passphrase for the root disk");
}

void ReceivedData::wipe() {
  explicit_bzero(body_.data(), body_.size());
  count_ = 0;
}

}  // namespace sealift::guest
