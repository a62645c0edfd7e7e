// SPDX-License-Identifier: Apache-2.0
#include "objects/http_server_for_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cassert>

namespace sealift::objects {
namespace {

/// What came until now, and more of it; false at the end.
bool read_more(int fd, std::string& text) {
  std::array<char, 65536> piece{};
  const auto got = ::recv(fd, piece.data(), piece.size(), 0);
  if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
  return got > 0;
}

std::size_t content_length(const std::string& head) {
  const auto at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

/// Empty where the client went away, or speaks TLS.
SeenRequest read_request(int fd) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  constexpr char kTlsHandshake = 0x16;
  std::string text;
  while (text.find(kEnd) == std::string::npos) {
    if (!read_more(fd, text) || text.front() == kTlsHandshake) return {};
  }
  const auto split = text.find(kEnd) + kEnd.size();
  SeenRequest request{text.substr(0, split), text.substr(split)};
  while (request.body.size() < content_length(request.head)) {
    if (!read_more(fd, request.body)) return {};
  }
  return request;
}

void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the client has seen enough
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

std::string http_answer(const std::string& status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + status + "\r\n" + headers +
         "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

HttpServerForTest::HttpServerForTest(Handler handler)
    : handler_{std::move(handler)}, listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  [[maybe_unused]] const bool good = ::bind(listener_.get(), generic, size) == 0 &&
                                     ::listen(listener_.get(), 16) == 0 &&
                                     ::getsockname(listener_.get(), generic, &size) == 0;
  assert(good);
  port_ = std::to_string(ntohs(address.sin_port));
  acceptor_ = std::thread{[this] { accept_all(); }};
}

HttpServerForTest::~HttpServerForTest() {
  {
    const std::lock_guard lock{mutex_};
    ended_ = true;
  }
  ending_.notify_all();
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  for (auto& connection : connections_) connection.join();
}

std::string HttpServerForTest::address() const { return "127.0.0.1:" + port_; }

std::vector<SeenRequest> HttpServerForTest::requests() const {
  const std::lock_guard lock{mutex_};
  return requests_;
}

void HttpServerForTest::accept_all() {
  for (;;) {
    UniqueFd connection{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!connection) return;
    connections_.emplace_back([this, fd = std::move(connection)]() mutable { serve(std::move(fd)); });
  }
}

void HttpServerForTest::serve(UniqueFd connection) {
  const auto request = read_request(connection.get());
  if (request.head.empty()) return;
  std::unique_lock lock{mutex_};
  requests_.push_back(request);
  const auto answer = handler_(request, requests_.size() - 1);
  lock.unlock();
  send_all(connection.get(), answer.bytes);
  if (!answer.hangs) return;
  lock.lock();
  ending_.wait(lock, [this] { return ended_; });
}

}  // namespace sealift::objects
