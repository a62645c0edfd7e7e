// SPDX-License-Identifier: Apache-2.0
/// Against an ultravisor that says what the test wants it to say.
#include "services/agent/adapters/ultravisor_socket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <thread>

#include "base/matchers.h"

namespace sealift::agent {
namespace {

using ultravisor::Event;
using ultravisor::Reply;

class UltravisorSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(socket_path_, address.sun_path);
    ASSERT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener_.get(), 4), 0);
    for (const auto* name : {"kernel", "head", "body", "disk", "overlay", "console"})
      ASSERT_THAT(write_file(directory_.path() / name, as_bytes(name)), Succeeds());
  }
  Guest guest() const {
    const auto& at = directory_.path();
    return {"launch.1",     "quiet",        1,           512,
            at / "kernel",  at / "head",    at / "body", at / "disk",
            at / "overlay", at / "console", Bytes(3, 7)};
  }
  /// Serves one connection: the request, then what `answer` says.
  void serve(const std::function<void(int client, ultravisor::Request request)>& answer) {
    server_ = std::jthread{[this, answer] {
      const UniqueFd client{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
      answer(client.get(),
             ultravisor::read_request(ultravisor::receive_message(client.get()).value()).value());
    }};
  }
  void serve(const std::vector<Reply>& replies) {
    serve([replies](int client, const ultravisor::Request&) {
      for (const auto& reply : replies) say(client, reply);
    });
  }
  static void say(int client, const Reply& reply) {
    EXPECT_THAT(ultravisor::send_message(client, {ultravisor::write_reply(reply), {}}), Succeeds());
  }
  static std::string content(const UniqueFd& file) {
    return std::string{as_text(read_file("/proc/self/fd/" + std::to_string(file.get()), 100).value())};
  }
  Ultravisor::OnEvent on_event() {
    return [this](std::size_t place, const std::string& event) {
      EXPECT_EQ(place, events_.size());
      events_.push_back(event);
    };
  }

  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  std::string socket_path_ = (directory_.path() / "socket").string();
  UniqueFd listener_{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  UltravisorSocket ultravisor_{socket_path_};
  std::vector<std::string> events_;
  std::jthread server_;
};

TEST_F(UltravisorSocketTest, HandsOverAllThatAGuestIsMadeOf) {
  serve([](int client, const ultravisor::Request& request) {
    const auto& launch = std::get<ultravisor::LaunchRequest>(request);
    EXPECT_EQ(launch.id, "launch.1");
    EXPECT_EQ(launch.cmdline, "quiet");
    EXPECT_EQ(launch.memory_mib, 512U);
    EXPECT_EQ(content(launch.files.kernel), "kernel");
    EXPECT_EQ(content(launch.files.initramfs_head), "head");
    EXPECT_EQ(content(launch.files.initramfs), "body");
    EXPECT_EQ(content(launch.files.root_disk), "disk");
    EXPECT_EQ(content(launch.files.overlay), "overlay");
    EXPECT_EQ(content(launch.files.reference), std::string(3, 7));
    EXPECT_THAT(write_all(launch.files.console.get(), as_bytes(" of the guest")), Succeeds());
    say(client, Event{"guest_started", {}});
    say(client, Event{"guest_ended", 3});
  });
  const auto ending = ultravisor_.launch(guest(), on_event(), {});
  ASSERT_THAT(ending, Succeeds());
  EXPECT_EQ(std::get<int>(**ending), 3);
  EXPECT_THAT(events_, ::testing::ElementsAre("guest_started"));
  EXPECT_EQ(as_text(read_file(guest().console, 100).value()), "console of the guest");
}

TEST_F(UltravisorSocketTest, GivesARefusalAsItIs) {
  serve(std::vector<Reply>{Event{"operand_found", {}},
                           Error{ErrorCode::kernel_differs, "not it", "kernel", ""}});
  const auto ending = ultravisor_.launch(guest(), on_event(), {});
  ASSERT_THAT(ending, Succeeds());
  EXPECT_EQ(std::get<Error>(**ending).code, ErrorCode::kernel_differs);
  EXPECT_EQ(std::get<Error>(**ending).field, "kernel");
}

TEST_F(UltravisorSocketTest, KnowsThatNothingRunsWhereNobodyListens) {
  listener_.reset();
  const auto ending = ultravisor_.launch(guest(), on_event(), {});
  ASSERT_THAT(ending, Succeeds());
  EXPECT_EQ(std::get<Error>(**ending).code, ErrorCode::unavailable);
  EXPECT_THAT(ultravisor_.watch("launch.1", on_event(), {}), FailsWith(ErrorCode::unavailable));
  EXPECT_THAT(ultravisor_.stop("launch.1"), FailsWith(ErrorCode::unavailable));
  EXPECT_THAT(ultravisor_.list(), FailsWith(ErrorCode::unavailable));
}

TEST_F(UltravisorSocketTest, KnowsThatNothingRunsWhereAFileIsGone) {
  std::filesystem::remove(guest().overlay);
  const auto ending = ultravisor_.launch(guest(), on_event(), {});
  ASSERT_THAT(ending, Succeeds());
  EXPECT_EQ(std::get<Error>(**ending).code, ErrorCode::not_found);
}

TEST_F(UltravisorSocketTest, DoesNotKnowWhatRunsWhereTheConnectionBreaks) {
  serve(std::vector<Reply>{Event{"guest_started", {}}});
  EXPECT_THAT(ultravisor_.launch(guest(), on_event(), {}), FailsWith(ErrorCode::unavailable));
  EXPECT_EQ(events_.size(), 1U);
}

TEST_F(UltravisorSocketTest, IsInterruptedWhileItFollows) {
  std::stop_source stop;
  serve([&](int client, const ultravisor::Request&) {
    stop.request_stop();
    EXPECT_THAT(ultravisor::receive_message(client), FailsWith(ErrorCode::unavailable)) << "it hung up";
  });
  EXPECT_THAT(ultravisor_.watch("launch.1", on_event(), stop.get_token()), FailsWith(ErrorCode::canceled));
}

TEST_F(UltravisorSocketTest, TellsAnUnknownLaunchFromARefusedOne) {
  serve(std::vector<Reply>{Error{ErrorCode::not_found, "never heard of", "id", ""}});
  auto ending = ultravisor_.watch("launch.1", on_event(), {});
  ASSERT_THAT(ending, Succeeds());
  EXPECT_FALSE(ending->has_value());
  server_.join();
  serve(std::vector<Reply>{Error{ErrorCode::not_found, "no such file", "overlay", ""}});
  ending = ultravisor_.watch("launch.1", on_event(), {});
  ASSERT_THAT(ending, Succeeds());
  EXPECT_TRUE(ending->has_value());
}

TEST_F(UltravisorSocketTest, StopsAndLists) {
  serve([](int client, const ultravisor::Request& request) {
    EXPECT_EQ(std::get<ultravisor::StopRequest>(request).id, "launch.1");
    say(client, ultravisor::Stopped{});
  });
  EXPECT_THAT(ultravisor_.stop("launch.1"), Succeeds());
  server_.join();
  serve(std::vector<Reply>{ultravisor::Guests{{"launch.1", "run-2"}}});
  EXPECT_THAT(ultravisor_.list().value(), ::testing::ElementsAre("launch.1", "run-2"));
  server_.join();
  serve(std::vector<Reply>{ultravisor::Stopped{}});
  EXPECT_THAT(ultravisor_.list(), FailsWith(ErrorCode::malformed));
}

}  // namespace
}  // namespace sealift::agent
