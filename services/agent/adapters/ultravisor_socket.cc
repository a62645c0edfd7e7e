// SPDX-License-Identifier: Apache-2.0
#include "services/agent/adapters/ultravisor_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>

namespace sealift::agent {
namespace {

constexpr int kAnswerTimeMs = 10'000;

/// Readable when a stop is requested.
class Stopped {
 public:
  explicit Stopped(const std::stop_token& stop)
      : fd_{::eventfd(0, EFD_CLOEXEC)}, callback_{stop, [this] { (void)::eventfd_write(fd_.get(), 1); }} {}
  int fd() const noexcept { return fd_.get(); }

 private:
  UniqueFd fd_;
  std::stop_callback<std::function<void()>> callback_;
};

/// Until something came.
Status wait_for(int socket, int stopped, int limit_ms) {
  std::array<pollfd, 2> fds{{{socket, POLLIN, 0}, {stopped, POLLIN, 0}}};
  int ready = -1;
  while ((ready = ::poll(fds.data(), fds.size(), limit_ms)) < 0 && errno == EINTR) {
  }
  if (ready < 0) return fail_errno("poll");
  if (ready == 0) return fail(ErrorCode::timeout, "the ultravisor does not answer");
  if (fds[1].revents != 0) return fail(ErrorCode::canceled, "not followed any more");
  return {};
}

Result<ultravisor::Reply> next_reply(int socket, int stopped, int limit_ms) {
  SEALIFT_CHECK(wait_for(socket, stopped, limit_ms));
  SEALIFT_TRY(const auto message, ultravisor::receive_message(socket));
  return ultravisor::read_reply(message.text);
}

tl::unexpected<Error> fail_answer() {
  return fail(ErrorCode::malformed, "the ultravisor answers what was not asked");
}

Result<Ending> follow(int socket, const Ultravisor::OnEvent& on_event, const std::stop_token& stop) {
  const Stopped stopped{stop};
  for (std::size_t place = 0;; ++place) {
    SEALIFT_TRY(const auto reply, next_reply(socket, stopped.fd(), -1));
    if (const auto* const refusal = std::get_if<Error>(&reply)) return Ending{*refusal};
    const auto* const event = std::get_if<ultravisor::Event>(&reply);
    if (event == nullptr) return fail_answer();
    if (event->exit_status) return Ending{*event->exit_status};
    on_event(place, event->name);
  }
}

Result<UniqueFd> in_memory(ByteView bytes) {
  UniqueFd memory{::memfd_create("reference", MFD_CLOEXEC)};
  if (!memory) return fail_errno("memfd_create");
  SEALIFT_CHECK(write_all(memory.get(), bytes));
  return memory;
}

Result<ultravisor::LaunchRequest> request_for(const Guest& guest) {
  ultravisor::LaunchRequest request{guest.id, guest.cmdline, guest.memory_mib, guest.cpus, {}};
  auto& files = request.files;
  SEALIFT_TRY(files.kernel, open_file(guest.kernel, O_RDONLY));
  SEALIFT_TRY(files.initramfs_head, open_file(guest.head, O_RDONLY));
  SEALIFT_TRY(files.initramfs, open_file(guest.initramfs_body, O_RDONLY));
  SEALIFT_TRY(files.root_disk, open_file(guest.root_disk, O_RDONLY));
  SEALIFT_TRY(files.overlay, open_file(guest.overlay, O_RDWR));
  SEALIFT_TRY(files.console, open_file(guest.console, O_WRONLY | O_APPEND));
  if (!guest.reference_event_log.empty()) {
    SEALIFT_TRY(files.reference, in_memory(guest.reference_event_log));
  }
  return request;
}

}  // namespace

Result<std::optional<Ending>> UltravisorSocket::launch(const Guest& guest, const OnEvent& on_event,
                                                       const std::stop_token& stop) {
  auto request = request_for(guest);
  if (!request) return Ending{request.error()};
  const auto socket = ultravisor::connect_to(socket_);
  if (!socket) return Ending{socket.error()};
  SEALIFT_CHECK(ultravisor::send_message(socket->get(), ultravisor::write_request(*std::move(request))));
  SEALIFT_TRY(auto ending, follow(socket->get(), on_event, stop));
  return ending;
}

Result<std::optional<Ending>> UltravisorSocket::watch(const std::string& id, const OnEvent& on_event,
                                                      const std::stop_token& stop) {
  SEALIFT_TRY(const auto socket, ultravisor::connect_to(socket_));
  SEALIFT_CHECK(
      ultravisor::send_message(socket.get(), ultravisor::write_request(ultravisor::WatchRequest{id})));
  SEALIFT_TRY(auto ending, follow(socket.get(), on_event, stop));
  const auto* const refusal = std::get_if<Error>(&ending);
  const bool is_known = refusal == nullptr || refusal->code != ErrorCode::not_found || refusal->field != "id";
  return is_known ? std::optional{std::move(ending)} : std::nullopt;
}

Result<ultravisor::Reply> UltravisorSocket::ask(ultravisor::Request request) {
  SEALIFT_TRY(const auto socket, ultravisor::connect_to(socket_));
  SEALIFT_CHECK(ultravisor::send_message(socket.get(), ultravisor::write_request(std::move(request))));
  return next_reply(socket.get(), -1, kAnswerTimeMs);
}

Status UltravisorSocket::stop(const std::string& id) {
  SEALIFT_TRY(const auto reply, ask(ultravisor::StopRequest{id}));
  if (const auto* const refusal = std::get_if<Error>(&reply)) return tl::unexpected(*refusal);
  if (!std::holds_alternative<ultravisor::Stopped>(reply)) return fail_answer();
  return {};
}

Result<std::vector<std::string>> UltravisorSocket::list() {
  SEALIFT_TRY(auto reply, ask(ultravisor::ListRequest{}));
  if (const auto* const refusal = std::get_if<Error>(&reply)) return tl::unexpected(*refusal);
  auto* const guests = std::get_if<ultravisor::Guests>(&reply);
  if (guests == nullptr) return fail_answer();
  return std::move(guests->ids);
}

}  // namespace sealift::agent
