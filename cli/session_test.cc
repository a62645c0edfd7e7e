// SPDX-License-Identifier: Apache-2.0
/// Following a guest: against an ultravisor that says what the test wants it to say.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <thread>

#include "base/matchers.h"
#include "cli/run/guest_session.h"
#include "cli/tool_for_test.h"

namespace sealift::cli {
namespace {

using ultravisor::Event;
using ultravisor::Reply;

/// Listens like an ultravisor, and serves connections one after the other.
class FakeUltravisor {
 public:
  explicit FakeUltravisor(const std::string& path)
      : listener_{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
  }
  struct Asked {
    UniqueFd client;
    ultravisor::Request request;
  };
  Asked next() const {
    UniqueFd client{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    auto request = ultravisor::read_request(ultravisor::receive_message(client.get()).value()).value();
    return {std::move(client), std::move(request)};
  }
  static void say(const UniqueFd& client, const Reply& reply) {
    EXPECT_THAT(ultravisor::send_message(client.get(), {ultravisor::write_reply(reply), {}}), Succeeds());
  }

 private:
  UniqueFd listener_;
};

class Session : public ToolTest {
 protected:
  ultravisor::LaunchRequest request() {
    ultravisor::LaunchRequest request{"guest", "quiet", 256, 1, {}};
    for (auto* file : {&request.files.kernel, &request.files.initramfs, &request.files.root_disk,
                       &request.files.overlay}) {
      *file = open_file("/dev/null", O_RDWR).value();
    }
    return request;
  }
  SessionOptions options() {
    SessionOptions options;
    options.socket = path("socket");
    options.on_event = [this](const Event& event) { events_.push_back(event.name); };
    return options;
  }
  static void print(const FakeUltravisor::Asked& asked, std::string_view text) {
    const auto& files = std::get<ultravisor::LaunchRequest>(asked.request).files;
    EXPECT_THAT(write_all(files.console.get(), as_bytes(text)), Succeeds());
  }

  std::vector<std::string> events_;
  FakeUltravisor ultravisor_{path("socket")};
};

TEST_F(Session, FollowsAGuestToItsEndAndKeepsItsConsole) {
  std::jthread server{[&] {
    auto asked = ultravisor_.next();
    FakeUltravisor::say(asked.client, Event{"guest_started", {}});
    print(asked, "hello\nbye");
    asked.request = ultravisor::ListRequest{};  // closes the console
    FakeUltravisor::say(asked.client, Event{"guest_ended", 0});
  }};
  auto with_console = options();
  with_console.console.file = open_file(path("console"), O_WRONLY | O_CREAT).value();
  const auto end = run_session(request(), std::move(with_console));
  ASSERT_THAT(end, Succeeds());
  EXPECT_EQ(end->exit_status, 0);
  EXPECT_EQ(events_, (std::vector<std::string>{"guest_started", "guest_ended"}));
  EXPECT_EQ(as_text(read("console")), "hello\nbye");
}

TEST_F(Session, GivesTheRefusalAsItIs) {
  std::jthread server{[&] {
    const auto asked = ultravisor_.next();
    FakeUltravisor::say(asked.client,
                        Error{ErrorCode::cmdline_differs, "not what was sealed", "cmdline", ""});
  }};
  EXPECT_THAT(run_session(request(), options()), FailsAt(ErrorCode::cmdline_differs, "cmdline"));
}

TEST_F(Session, StopsTheGuestOnceItPrintedWhatWasWaitedFor) {
  std::jthread server{[&] {
    auto asked = ultravisor_.next();
    print(asked, "debian login: ");
    const auto stop = ultravisor_.next();
    EXPECT_EQ(std::get<ultravisor::StopRequest>(stop.request).id, "guest");
    FakeUltravisor::say(stop.client, ultravisor::Stopped{});
    asked.request = ultravisor::ListRequest{};
    FakeUltravisor::say(asked.client, Event{"guest_ended", 137});
  }};
  auto waiting = options();
  waiting.until = Pattern::compile("login:").value();
  const auto end = run_session(request(), std::move(waiting));
  ASSERT_THAT(end, Succeeds());
  EXPECT_EQ(end->matched, "debian login: ");
  EXPECT_FALSE(end->exit_status.has_value());
}

TEST_F(Session, FailsWhereTheGuestEndsBeforeItPrintedThat) {
  std::jthread server{[&] {
    auto asked = ultravisor_.next();
    asked.request = ultravisor::ListRequest{};
    FakeUltravisor::say(asked.client, Event{"guest_ended", 0});
  }};
  auto waiting = options();
  waiting.until = Pattern::compile("login:").value();
  EXPECT_THAT(run_session(request(), std::move(waiting)), FailsWith(ErrorCode::guest_failed));
}

TEST_F(Session, StopsTheGuestWhenItsTimeIsOver) {
  std::jthread server{[&] {
    auto asked = ultravisor_.next();
    const auto stop = ultravisor_.next();
    FakeUltravisor::say(stop.client, ultravisor::Stopped{});
    asked.request = ultravisor::ListRequest{};
    FakeUltravisor::say(asked.client, Event{"guest_ended", 137});
  }};
  auto limited = options();
  limited.timeout = std::chrono::seconds{1};
  EXPECT_THAT(run_session(request(), std::move(limited)), FailsWith(ErrorCode::timeout));
}

TEST_F(Session, IsRefusedWhereTheUltravisorHangsUp) {
  std::jthread server{[&] { ultravisor_.next(); }};
  EXPECT_THAT(run_session(request(), options()), FailsWith(ErrorCode::unavailable));
}

}  // namespace
}  // namespace sealift::cli
