// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/adapters/server.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

namespace sealift::ultravisor {
namespace {

constexpr std::chrono::seconds kLook{1};  // a watcher that went away is noticed after this

Result<UniqueFd> listen_at(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto text = path.string();
  if (text.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::invalid_argument, "the socket's path is too long: " + text);
  }
  std::ranges::copy(text, address.sun_path);
  UniqueFd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (!fd) return fail_errno("socket");
  ::unlink(text.c_str());
  const auto before = ::umask(0177);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::umask(before);
  if (bound != 0) return fail_errno("bind " + text);
  if (::listen(fd.get(), 64) != 0) return fail_errno("listen " + text);
  return fd;
}

void reply(int client, const Reply& message) {
  // An asker who went away hears nothing; the guest lives on.
  (void)send_message(client, Message{write_reply(message), {}});
}

bool hung_up(int client) {
  pollfd fd{client, POLLRDHUP, 0};
  return ::poll(&fd, 1, 0) > 0;
}

void log(const Error& error) {
  fmt::print(stderr, "refused: {} at '{}': {} ({})\n", name(error.code), error.field, error.message,
             error.detail);
}

/// The threads that serve connections; each marks itself done, and is joined by the next look.
class Workers {
 public:
  template <typename Work>
  bool start(int limit, Work work) {
    std::erase_if(threads_, [](const auto& worker) { return worker->done.load(); });
    if (threads_.size() >= static_cast<std::size_t>(limit)) return false;
    auto& worker = *threads_.emplace_back(std::make_unique<Worker>());
    worker.thread = std::jthread{[&worker, work = std::move(work)]() mutable {
      work();
      worker.done = true;
    }};
    return true;
  }

 private:
  struct Worker {
    std::atomic<bool> done = false;
    std::jthread thread;
  };
  std::vector<std::unique_ptr<Worker>> threads_;
};

}  // namespace

Status Server::serve(const std::filesystem::path& path, int stop) {
  SEALIFT_TRY(const auto listener, listen_at(path));
  Workers workers;
  for (;;) {
    pollfd fds[2] = {{listener.get(), POLLIN, 0}, {stop, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return fail_errno("poll");
    if (fds[1].revents != 0) break;
    if (fds[0].revents == 0) continue;
    UniqueFd client{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!client) continue;
    auto shared = std::make_shared<UniqueFd>(std::move(client));
    const bool taken = workers.start(kMaxConnections, [this, shared] { handle(std::move(*shared)); });
    if (!taken) reply(shared->get(), Error{ErrorCode::unavailable, "too many connections", {}, {}});
  }
  ::unlink(path.c_str());
  launches_.stop_all();
  return {};
}

void Server::handle(UniqueFd client) {
  // A peer that says nothing must not hold a thread.
  const timeval limit{10, 0};
  ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  auto message = receive_message(client.get());
  if (!message) return reply(client.get(), message.error());
  auto request = read_request(*std::move(message));
  if (!request) return reply(client.get(), request.error());
  reply(client.get(),
        std::visit([&](auto& asked) { return answer(client.get(), std::move(asked)); }, *request));
}

Reply Server::answer(int client, LaunchRequest request) {
  const auto id = request.id;
  const auto launch = launches_.begin(id);
  if (!launch) return launch.error();
  const auto ended = launcher_.run(std::move(request), **launch, [&](std::string_view step) {
    (*launch)->note(step);
    reply(client, Event{std::string{step}, {}});
  });
  if (!ended) log(ended.error());
  const auto last = ended ? Reply{Event{"guest_ended", *ended}} : Reply{ended.error()};
  launches_.end(id, last);
  return last;
}

Reply Server::answer(int client, const WatchRequest& request) {
  const auto launch = launches_.find(request.id);
  if (!launch) return Error{ErrorCode::not_found, "no launch " + request.id + " is known", "id", {}};
  for (std::size_t seen = 0;;) {
    auto news = launch->after(seen, kLook);
    seen += news.replies.size();
    const auto last = news.over ? news.replies.end() - 1 : news.replies.end();
    std::for_each(news.replies.begin(), last, [&](const Reply& said) { reply(client, said); });
    if (news.over) return *last;
    if (hung_up(client)) return Error{ErrorCode::canceled, "nobody watches", {}, {}};
  }
}

Reply Server::answer(int /*client*/, const StopRequest& request) {
  const auto stopped = launches_.stop(request.id);
  return stopped ? Reply{Stopped{}} : Reply{stopped.error()};
}

Reply Server::answer(int /*client*/, const ListRequest&) { return Guests{launches_.live()}; }

}  // namespace sealift::ultravisor
