// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/unix_socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace sealift::emulator {
namespace {

constexpr int kBacklog = 8;

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) {
    return fail(ErrorCode::invalid_argument, "the path of the socket is too long: " + path.native(), "dir");
  }
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

Result<UniqueFd> new_socket(SocketKind kind) {
  const int type = kind == SocketKind::stream ? SOCK_STREAM : SOCK_SEQPACKET;
  UniqueFd fd{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
  if (!fd) return fail_errno("socket");
  return fd;
}

}  // namespace

Result<UniqueFd> listen_at(const std::filesystem::path& path, SocketKind kind) {
  SEALIFT_TRY(const auto address, address_of(path));
  SEALIFT_TRY(auto fd, new_socket(kind));
  ::unlink(path.c_str());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail_errno("bind " + path.native());
  }
  if (::listen(fd.get(), kBacklog) != 0) return fail_errno("listen " + path.native());
  return fd;
}

Result<UniqueFd> connect_to(const std::filesystem::path& path, SocketKind kind) {
  SEALIFT_TRY(const auto address, address_of(path));
  SEALIFT_TRY(auto fd, new_socket(kind));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail_errno("connect to " + path.native());
  }
  return fd;
}

}  // namespace sealift::emulator
