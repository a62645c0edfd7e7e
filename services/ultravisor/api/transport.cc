// SPDX-License-Identifier: Apache-2.0
/// The socket half of messages.h: one datagram per message, files as SCM_RIGHTS.
#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "services/ultravisor/api/messages.h"

namespace sealift::ultravisor {
namespace {

constexpr std::size_t kControlSize = CMSG_SPACE(kMaxFiles * sizeof(int));

std::vector<UniqueFd> files_of(msghdr& header) {
  std::vector<UniqueFd> files;
  for (auto* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const auto count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      files.emplace_back(fd);
    }
  }
  return files;
}

}  // namespace

Status send_message(int socket, const Message& message) {
  iovec part{const_cast<char*>(message.text.data()), message.text.size()};  // NOLINT: sendmsg only reads
  alignas(cmsghdr) std::array<char, kControlSize> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!message.files.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(message.files.size() * sizeof(int));
    auto* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(message.files.size() * sizeof(int));
    for (std::size_t i = 0; i < message.files.size(); ++i) {
      const int fd = message.files[i].get();
      std::memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof fd);
    }
  }
  while (::sendmsg(socket, &header, MSG_NOSIGNAL) < 0) {
    if (errno == EPIPE || errno == ECONNRESET) return fail(ErrorCode::unavailable, "the other side hung up");
    if (errno != EINTR) return fail_errno("sendmsg");
  }
  return {};
}

Result<Message> receive_message(int socket) {
  Message message;
  message.text.resize(kMaxMessage);
  iovec part{message.text.data(), message.text.size()};
  alignas(cmsghdr) std::array<char, kControlSize> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t got = -1;
  while ((got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC)) < 0) {
    if (errno == ECONNRESET) return fail(ErrorCode::unavailable, "the other side hung up");
    if (errno != EINTR) return fail_errno("recvmsg");
  }
  message.files = files_of(header);
  message.text.resize(static_cast<std::size_t>(got));
  if (got == 0) return fail(ErrorCode::unavailable, "the other side hung up");
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return fail(ErrorCode::too_large,
                fmt::format("a message has at most {} bytes and {} files", kMaxMessage, kMaxFiles));
  }
  return message;
}

Result<UniqueFd> connect_to(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = socket.string();
  if (path.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::invalid_argument, "the socket's path is too long: " + path);
  }
  std::ranges::copy(path, address.sun_path);
  UniqueFd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (!fd) return fail_errno("socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  if (errno == ECONNREFUSED || errno == ENOENT) {
    return fail(ErrorCode::unavailable, "no ultravisor listens at " + path + ": is the machine started?");
  }
  return fail_errno("connect " + path);
}

}  // namespace sealift::ultravisor
