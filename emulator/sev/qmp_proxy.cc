// SPDX-License-Identifier: Apache-2.0
#include "emulator/sev/qmp_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <nlohmann/json.hpp>

#include "emulator/machine/unix_socket.h"
#include "emulator/sev/qmp_documents.h"

namespace sealift::emulator {
namespace {

constexpr int kPause = 20;  // milliseconds between looks for QEMU's socket

/// What `fd` has now; empty at its end.
std::string received(int fd) {
  std::array<char, 16 * 1024> buffer{};
  const auto size = ::read(fd, buffer.data(), buffer.size());
  return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string{};
}

/// One client and its own connection to QEMU.
class Session {
 public:
  Session(UniqueFd client, UniqueFd qemu, SevCommands& commands)
      : client_{std::move(client)}, qemu_{std::move(qemu)}, commands_{commands} {}

  int client() const noexcept { return client_.get(); }
  int qemu() const noexcept { return qemu_.get(); }

  /// False where the session is over.
  bool from_client() {
    const auto bytes = received(client_.get());
    return !bytes.empty() && from_client_.feed(bytes) && go_on();
  }

  bool from_qemu() {
    const auto bytes = received(qemu_.get());
    if (bytes.empty()) return false;
    line_ += bytes;
    for (auto end = line_.find('\n'); end != std::string::npos; end = line_.find('\n')) {
      note(line_.substr(0, end));
      if (!send(client_.get(), line_.substr(0, end + 1))) return false;
      line_.erase(0, end + 1);
    }
    return go_on();
  }

 private:
  /// What the client asked, as far as its turn has come: ours waits for QEMU's answers to what came before.
  bool go_on() {
    for (;;) {
      if (!waiting_) waiting_ = from_client_.next();
      if (!waiting_) return true;
      if (!negotiated_) {
        if (!forward(*std::exchange(waiting_, std::nullopt))) return false;
        continue;
      }
      if (!asked_.empty()) return true;
      const auto document = *std::exchange(waiting_, std::nullopt);
      const auto answer = commands_.answer(document);
      if (answer ? !send(client_.get(), *answer) : !forward(document)) return false;
    }
  }

  bool forward(const std::string& document) {
    asked_.push_back(command_name(document));
    return send(qemu_.get(), document + "\n");
  }

  void note(const std::string& line) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || asked_.empty()) return;
    const bool done = json.contains("return");
    if (!done && !json.contains("error")) return;  // an event
    if (done && asked_.front() == "qmp_capabilities") negotiated_ = true;
    asked_.pop_front();
  }

  static bool send(int fd, std::string_view text) {
    while (!text.empty()) {
      const auto sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  UniqueFd client_;
  UniqueFd qemu_;
  SevCommands& commands_;
  QmpDocuments from_client_;
  std::string line_;
  std::deque<std::string> asked_;  // of QEMU, in order, not answered yet
  std::optional<std::string> waiting_;
  bool negotiated_ = false;
};

bool readable(int fd, int timeout) {
  pollfd poll_fd{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&poll_fd, 1, timeout) > 0;
}

/// Nothing where QEMU ends before it listens.
std::optional<UniqueFd> connect_to_qemu(const std::filesystem::path& socket, int qemu) {
  for (;;) {
    if (auto connection = connect_to(socket, SocketKind::stream)) return std::move(*connection);
    if (readable(qemu, kPause)) return std::nullopt;
  }
}

}  // namespace

Status serve_qmp(int listener, const std::filesystem::path& socket, int qemu, SevCommands& commands) {
  std::optional<Session> session;
  for (;;) {
    std::array<pollfd, 3> fds{{{.fd = qemu, .events = POLLIN, .revents = 0},
                               {.fd = session ? session->client() : listener, .events = POLLIN, .revents = 0},
                               {.fd = session ? session->qemu() : -1, .events = POLLIN, .revents = 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return fail_errno("poll");
    if (fds[0].revents != 0) return {};
    if (!session && fds[1].revents != 0) {
      UniqueFd client{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
      auto connection = connect_to_qemu(socket, qemu);
      if (!connection) return {};
      if (client) session.emplace(std::move(client), std::move(*connection), commands);
      continue;
    }
    const bool over = session && ((fds[2].revents != 0 && !session->from_qemu()) ||
                                  (fds[1].revents != 0 && !session->from_client()));
    if (over) session.reset();
  }
}

}  // namespace sealift::emulator
