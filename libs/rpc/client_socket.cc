// SPDX-License-Identifier: Apache-2.0
#include "rpc/client_socket.h"

#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sealift::rpc {
namespace {

using Steady = std::chrono::steady_clock;
using Addresses = std::unique_ptr<addrinfo, crypto::FreeWith<freeaddrinfo>>;

struct HostPort {
  std::string host;
  std::string port;
};

Result<HostPort> split(const std::string& address) {
  const auto colon = address.rfind(':');
  const bool one_word = address.find_first_of(" \r\n\t") == std::string::npos;
  if (!one_word || colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
    return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is not HOST:PORT", address), "address");
  }
  auto host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return HostPort{host, address.substr(colon + 1)};
}

Result<Addresses> resolve(const std::string& address) {
  SEALIFT_TRY(const auto parts, split(address));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(parts.host.c_str(), parts.port.c_str(), &hints, &found);
  if (error == 0) return Addresses{found};
  return fail(error == EAI_SERVICE ? ErrorCode::invalid_argument : ErrorCode::unavailable,
              fmt::format("cannot resolve {}: {}", address, ::gai_strerror(error)), "address");
}

void set_option(int socket, int level, int name, int value) {
  ::setsockopt(socket, level, name, &value, sizeof value);
}

Result<UniqueFd> connect_to(const addrinfo& to, const std::string& address, const Patience& patience) {
  UniqueFd socket{::socket(to.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket) return fail_errno("socket");
  set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  // A stream may be silent for hours: this is how a server that vanished is noticed.
  set_option(socket.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket.get(), IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set_option(socket.get(), IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set_option(socket.get(), IPPROTO_TCP, TCP_KEEPCNT, 3);
  int error = ::connect(socket.get(), to.ai_addr, to.ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    SEALIFT_CHECK(patience.wait_for(socket.get(), POLLOUT));
    socklen_t size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error == 0) return socket;
  return fail(ErrorCode::unavailable, fmt::format("cannot connect to {}: {}", address, std::strerror(error)),
              "address");
}

Result<UniqueFd> connect(const std::string& address, const Patience& patience) {
  SEALIFT_TRY(const auto addresses, resolve(address));
  Result<UniqueFd> socket = fail(ErrorCode::unavailable, "no address", "address");
  for (const auto* each = addresses.get(); each != nullptr; each = each->ai_next) {
    socket = connect_to(*each, address, patience);
    if (socket || socket.error().code != ErrorCode::unavailable) break;
  }
  return socket;
}

}  // namespace

Patience::Patience(Time deadline, std::stop_token stop) : deadline_{deadline}, stop_{std::move(stop)} {
  if (!stop_.stop_possible()) return;
  stopped_ = UniqueFd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  callback_.emplace(stop_, [fd = stopped_.get()] { ::eventfd_write(fd, 1); });
}

Patience Patience::at_most(std::chrono::milliseconds limit) const {
  return Patience{std::min(deadline_, Steady::now() + limit), stop_};
}

Status Patience::wait(int descriptor, short events, Time until, bool& ready) const {
  std::array<pollfd, 2> waits{pollfd{descriptor, events, 0}, pollfd{stopped_.get(), POLLIN, 0}};
  while (true) {
    if (stop_.stop_requested()) return fail(ErrorCode::canceled, "the call was stopped");
    int milliseconds = -1;
    if (until != Time::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now()).count();
      if (left <= 0) return {};
      milliseconds = static_cast<int>(std::min<std::int64_t>(left, 1'000'000));
    }
    // A negative descriptor is left aside by poll.
    if (::poll(waits.data(), waits.size(), milliseconds) < 0 && errno != EINTR) return fail_errno("poll");
    ready = waits[0].revents != 0;
    if (ready) return {};
  }
}

Status Patience::wait_for(int descriptor, short events) const {
  bool ready = false;
  SEALIFT_CHECK(wait(descriptor, events, deadline_, ready));
  if (ready) return {};
  return fail(ErrorCode::timeout, "the call was not answered in time");
}

Status Patience::sleep_until(Time time) const {
  bool ready = false;
  return wait(-1, 0, time, ready);
}

Status check_address(const std::string& address) {
  SEALIFT_CHECK(split(address));
  return {};
}

ClientSocket::ClientSocket(std::string address, UniqueFd socket,
                           std::shared_ptr<const CredentialSet> credentials)
    : last_used{Steady::now()},
      address_{std::move(address)},
      socket_{std::move(socket)},
      credentials_{std::move(credentials)},
      tls_{credentials_, Side::client, socket_.get()},
      opened_{last_used} {}

Result<std::unique_ptr<ClientSocket>> ClientSocket::dial(const std::string& address,
                                                         std::shared_ptr<const CredentialSet> credentials,
                                                         const Identity& expected, const Patience& patience) {
  SEALIFT_TRY(auto socket, connect(address, patience));
  std::unique_ptr<ClientSocket> made{new ClientSocket{address, std::move(socket), std::move(credentials)}};
  while (true) {
    SEALIFT_TRY(const auto want, made->tls_.handshake());
    if (want == Want::nothing) break;
    SEALIFT_CHECK(made->wait(want, patience));
  }
  const auto& peer = made->tls_.peer().identity();
  if (peer == expected) return made;
  return fail(ErrorCode::unauthenticated,
              fmt::format("the server at {} is {}, not {}", address, peer.text(), expected.text()),
              "identity");
}

Status ClientSocket::wait(Want want, const Patience& patience) const {
  if (want == Want::closed) {
    return fail(ErrorCode::unavailable, "the server ended the connection", "connection");
  }
  return patience.wait_for(socket_.get(), want == Want::read ? POLLIN : POLLOUT);
}

Status ClientSocket::write(std::string_view bytes, const Patience& patience) {
  while (!bytes.empty()) {
    SEALIFT_TRY(const auto step, tls_.write(as_bytes(bytes)));
    bytes.remove_prefix(step.size);
    if (step.want != Want::nothing) SEALIFT_CHECK(wait(step.want, patience));
  }
  return {};
}

Result<std::size_t> ClientSocket::read(std::span<std::uint8_t> out, const Patience& patience) {
  while (true) {
    SEALIFT_TRY(const auto step, tls_.read(out));
    if (step.want == Want::nothing) return step.size;
    SEALIFT_CHECK(wait(step.want, patience));
  }
}

bool ClientSocket::is_quiet() {
  std::array<std::uint8_t, 1> byte{};
  const auto step = tls_.read(byte);
  return step && step->want == Want::read;
}

}  // namespace sealift::rpc
