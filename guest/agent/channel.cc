// SPDX-License-Identifier: Apache-2.0
#include "guest/agent/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
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

void read_message(int port, ReceivedData& data) {
  std::array<std::uint8_t, kMessageHeaderSize> header{};
  receive_all(port, header);
  WireReader reader;
  if (!reader.read_header(header)) refuse(port, "the host sent something else than customer data");
  const auto body = data.allocate(reader.body_size());
  receive_all(port, body);
  if (!data.add_message(reader, body)) refuse(port, "the host's customer data are malformed");
}

}  // namespace

void receive_from_host(ReceivedData& data) {
  char path[kMaxDevicePath];
  find_port(path);
  const int port = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (port < 0) give_up("cannot open ", path, errno);
  send_all(port, {reinterpret_cast<const std::uint8_t*>(kHello.data()), kHello.size()});
  read_message(port, data);
  send_all(port, {&kAccepted, 1});
  close(port);
}

}  // namespace sealift::guest
