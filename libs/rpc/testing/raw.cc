// SPDX-License-Identifier: Apache-2.0
#include "rpc/testing/raw.h"

#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>

namespace sealift::rpc::testing {
namespace {

constexpr auto kPatience = std::chrono::minutes{1};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

SilentListener SilentListener::open() {
  SilentListener made;
  made.socket_ = UniqueFd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(made.socket_.get(), raw, size) != 0 || ::listen(made.socket_.get(), 16) != 0 ||
      ::getsockname(made.socket_.get(), raw, &size) != 0) {
    std::abort();
  }
  made.port_ = ntohs(address.sin_port);
  return made;
}

Raw Raw::connect(const Server& server, const std::shared_ptr<Credentials>& credentials) {
  return *connect("127.0.0.1:" + std::to_string(server.port()), credentials, World::identity(Role::frontend));
}

Result<Raw> Raw::connect(const std::string& address, const std::shared_ptr<Credentials>& credentials,
                         const Identity& expected) {
  const Patience patience{std::chrono::steady_clock::now() + kPatience, {}};
  SEALIFT_TRY(auto socket, ClientSocket::dial(address, credentials->current(), expected, patience));
  return Raw{std::move(socket)};
}

bool Raw::send(std::string_view bytes) {
  const Patience patience{std::chrono::steady_clock::now() + kPatience, {}};
  return socket_->write(bytes, patience).has_value();
}

bool Raw::fill() {
  const Patience patience{std::chrono::steady_clock::now() + kPatience, {}};
  std::array<std::uint8_t, 4096> buffer;
  const auto size = socket_->read(buffer, patience);
  if (!size) return false;
  in_ += as_text({buffer.data(), *size});
  return true;
}

std::string Raw::receive_some() {
  if (in_.empty()) fill();
  return std::exchange(in_, {});
}

bool Raw::ends() { return in_.empty() && !fill(); }

bool Raw::receive_chunk(std::string& body) {
  std::size_t end = 0;
  while ((end = in_.find("\r\n")) == std::string::npos) {
    if (!fill()) return false;
  }
  const auto size = std::strtoul(in_.c_str(), nullptr, 16);
  while (in_.size() < end + 2 + size + 2) {
    if (!fill()) return false;
  }
  body += in_.substr(end + 2, size);
  in_.erase(0, end + 2 + size + 2);
  return size != 0;
}

RawAnswer Raw::receive() {
  std::size_t end = 0;
  while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return {};
  }
  RawAnswer answer;
  auto head = in_.substr(0, end + 2);
  in_.erase(0, end + 4);
  answer.status = static_cast<unsigned>(std::strtoul(head.substr(9, 3).c_str(), nullptr, 10));
  head.erase(0, head.find("\r\n") + 2);
  while (!head.empty()) {
    const auto line = head.substr(0, head.find("\r\n"));
    head.erase(0, line.size() + 2);
    const auto colon = line.find(": ");
    answer.headers[lower(line.substr(0, colon))] = line.substr(colon + 2);
  }
  if (answer.headers.contains("transfer-encoding")) {
    while (receive_chunk(answer.body)) {
    }
    return answer;
  }
  const auto size = std::strtoul(answer.headers["content-length"].c_str(), nullptr, 10);
  while (in_.size() < size) {
    if (!fill()) return {};
  }
  answer.body = in_.substr(0, size);
  in_.erase(0, size);
  return answer;
}

std::string post(const std::string& method, const std::string& type, const std::string& body,
                 const std::string& headers) {
  return fmt::format(
      "POST /sealift.rpc.testing.EchoService/{} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: "
      "{}\r\n{}"
      "\r\n{}",
      method, type, body.size(), headers, body);
}

std::string post_json(const std::string& method, const std::string& body, const std::string& headers) {
  return post(method, "application/json", body, headers);
}

}  // namespace sealift::rpc::testing
