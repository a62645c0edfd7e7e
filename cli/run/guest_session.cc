// SPDX-License-Identifier: Apache-2.0
#include "cli/run/guest_session.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "cli/cancellation.h"

namespace sealift::cli {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kStopTime = 10s;
constexpr auto kDrainTime = 2s;
constexpr auto kLook = 200ms;  // a signal that came just before poll() is seen after this at the latest

/// The guest, its console and its ultravisor.
class Session {
 public:
  Session(SessionOptions options, std::string id)
      : options_{std::move(options)}, console_{std::move(options_.console)}, id_{std::move(id)} {}

  Result<SessionEnd> run(ultravisor::LaunchRequest request) {
    SEALIFT_CHECK(launch(std::move(request)));
    const auto deadline = options_.timeout > 0s ? Clock::now() + options_.timeout : Clock::time_point::max();
    while (!ended_) {
      if (cancelled()) return stop_because(ErrorCode::canceled, "interrupted; the guest was stopped");
      if (Clock::now() >= deadline) {
        return stop_because(ErrorCode::timeout,
                            fmt::format("the guest was stopped after {} s", options_.timeout.count()));
      }
      SEALIFT_CHECK(step());
      if (!console_.matched().empty() && !ended_) return reached();
    }
    SEALIFT_CHECK(drain());
    return conclude();
  }

 private:
  Status launch(ultravisor::LaunchRequest request) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
    pipe_ = UniqueFd{ends[0]};
    request.files.console = UniqueFd{ends[1]};
    SEALIFT_TRY(socket_, ultravisor::connect_to(options_.socket));
    return ultravisor::send_message(socket_.get(), ultravisor::write_request(std::move(request)));
  }

  const Pattern* until() const { return options_.until ? &*options_.until : nullptr; }

  /// Waits a moment and takes what came.
  Status step() {
    std::array<pollfd, 2> fds{{{socket_.get(), POLLIN, 0}, {pipe_.get(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), static_cast<int>(kLook.count())) < 0) {
      return errno == EINTR ? Status{} : Status{fail_errno("poll")};
    }
    if (fds[1].revents != 0) SEALIFT_CHECK(read_console());
    if (fds[0].revents != 0) SEALIFT_CHECK(read_event());
    return {};
  }

  Status read_console() {
    SEALIFT_TRY(const bool more, console_.read_from(pipe_.get(), until()));
    if (!more) pipe_.reset();
    return {};
  }

  Status read_event() {
    SEALIFT_TRY(const auto message, ultravisor::receive_message(socket_.get()));
    SEALIFT_TRY(const auto reply, ultravisor::read_reply(message.text));
    if (const auto* const refusal = std::get_if<Error>(&reply)) {
      SEALIFT_CHECK(drain());
      return tl::unexpected(*refusal);
    }
    const auto* const event = std::get_if<ultravisor::Event>(&reply);
    if (event == nullptr) return fail(ErrorCode::malformed, "the ultravisor answers what was not asked");
    if (event->exit_status) {
      ended_ = true;
      end_.exit_status = event->exit_status;
    }
    if (options_.on_event) options_.on_event(*event);
    return {};
  }

  /// What the guest printed last: its end of the pipe is closed, or will be.
  Status drain() {
    const auto deadline = Clock::now() + kDrainTime;
    while (pipe_ && Clock::now() < deadline) {
      pollfd fd{pipe_.get(), POLLIN, 0};
      const int ready = ::poll(&fd, 1, static_cast<int>(kLook.count()));
      if (ready > 0) SEALIFT_CHECK(read_console());
    }
    return {};
  }

  /// Asks the ultravisor to end the guest, and waits until it did.
  Status stop() {
    SEALIFT_TRY(const auto socket, ultravisor::connect_to(options_.socket));
    SEALIFT_CHECK(
        ultravisor::send_message(socket.get(), ultravisor::write_request(ultravisor::StopRequest{id_})));
    SEALIFT_CHECK(ultravisor::receive_message(socket.get()));
    const auto deadline = Clock::now() + kStopTime;
    while (!ended_ && Clock::now() < deadline) {
      // How a stopped guest ends is not its failure: the event comes as a refusal where it was not ready.
      if (!step()) break;
    }
    return drain();
  }

  tl::unexpected<Error> stop_because(ErrorCode code, std::string why) {
    const auto stopped = stop();
    return fail(code, std::move(why), {}, stopped ? std::string{} : stopped.error().message);
  }

  Result<SessionEnd> reached() {
    end_.matched = console_.matched();
    SEALIFT_CHECK(stop());
    end_.exit_status.reset();  // it was killed
    return end_;
  }

  Result<SessionEnd> conclude() {
    end_.matched = console_.matched();
    if (options_.until && end_.matched.empty()) {
      return fail(ErrorCode::guest_failed, "the guest ended before it printed what was waited for",
                  "console");
    }
    if (end_.exit_status != 0) {
      return fail(ErrorCode::guest_failed,
                  fmt::format("the guest ended with status {}", end_.exit_status.value_or(-1)),
                  "exit_status");
    }
    return end_;
  }

  SessionOptions options_;
  ConsoleStream console_;
  std::string id_;
  UniqueFd socket_;
  UniqueFd pipe_;
  SessionEnd end_;
  bool ended_ = false;
};

}  // namespace

Result<SessionEnd> run_session(ultravisor::LaunchRequest request, SessionOptions options) {
  Session session{std::move(options), request.id};
  return session.run(std::move(request));
}

}  // namespace sealift::cli
