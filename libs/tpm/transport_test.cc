// SPDX-License-Identifier: Apache-2.0
#include "tpm/transport.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <deque>
#include <thread>

#include "base/file.h"
#include "base/matchers.h"
#include "tpm/channels.h"
#include "tpm/commands.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tpm {
namespace {

/// Answers with what the test says, and counts.
class ScriptedChannel final : public Channel {
 public:
  enum class Event : std::uint8_t { lost_command, lost_response, answer, retry };
  struct Log {
    int sent = 0;
    int opened = 0;
  };
  ScriptedChannel(std::deque<Event> events, Log& log) : events_{std::move(events)}, log_{log} {}

  Status send(ByteView) override {
    if (events_.front() == Event::lost_command) return gone();
    ++log_.sent;
    return {};
  }
  Result<SecretBytes> receive() override {
    const auto event = std::exchange(events_.front(), Event::answer);
    if (event == Event::lost_response) return gone();
    if (event == Event::retry) return SecretBytes::copy_of(Bytes{0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x22});
    return SecretBytes::copy_of(Bytes{0x80, 0x01, 0, 0, 0, 14, 0, 0, 0, 0, 0, 2, 0xab, 0xcd});
  }
  Status reopen() override {
    ++log_.opened;
    events_.pop_front();
    return {};
  }

 private:
  static tl::unexpected<Error> gone() { return fail(ErrorCode::tpm_unavailable, "gone"); }
  std::deque<Event> events_;
  Log& log_;
};

class Transport : public testing::Test {
 protected:
  using Event = ScriptedChannel::Event;
  Tpm tpm(std::deque<Event> events) {
    return Tpm{std::make_unique<ScriptedChannel>(std::move(events), log_)};
  }
  ScriptedChannel::Log log_;
};

const Bytes kCommand{0x80, 0x01, 0, 0, 0, 10, 0, 0, 0, 0};

TEST_F(Transport, RepeatsWhatTheTpmSurelyDidNotGet) {
  auto tpm = this->tpm({Event::lost_command, Event::answer});
  EXPECT_THAT(tpm.exchange("X", kCommand, Tpm::Repeat::if_unsent), Succeeds());
  EXPECT_EQ(log_.opened, 1);
}

TEST_F(Transport, DoesNotRepeatWhatMayHaveBeenExecuted) {
  auto tpm = this->tpm({Event::lost_response, Event::answer});
  EXPECT_THAT(tpm.exchange("X", kCommand, Tpm::Repeat::if_unsent), FailsWith(ErrorCode::tpm_unavailable));
  EXPECT_EQ(log_.sent, 1);
  EXPECT_THAT(tpm.exchange("X", kCommand, Tpm::Repeat::never), Succeeds());  // on a new connection
  EXPECT_EQ(log_.opened, 1);
}

TEST_F(Transport, RepeatsWhatOnlyReads) {
  auto tpm = this->tpm({Event::lost_response, Event::answer});
  EXPECT_THAT(tpm.exchange("X", kCommand, Tpm::Repeat::if_unanswered), Succeeds());
  EXPECT_EQ(log_.sent, 2);
}

TEST_F(Transport, RepeatsOnceOnly) {
  auto tpm = this->tpm({Event::lost_response, Event::lost_response, Event::answer});
  EXPECT_THAT(tpm.exchange("X", kCommand, Tpm::Repeat::if_unanswered), FailsWith(ErrorCode::tpm_unavailable));
}

TEST_F(Transport, DoesNotRepeatWhatUsesSessionsOfTheLostConnection) {
  auto tpm = this->tpm({Event::lost_command, Event::answer});
  EXPECT_THAT(tpm.exchange("X", kCommand, Tpm::Repeat::never), FailsWith(ErrorCode::tpm_unavailable));
}

TEST_F(Transport, SendsAgainWhatTheTpmDeferred) {
  auto tpm = this->tpm({Event::retry});
  EXPECT_THAT(tpm.exchange("X", kCommand, Tpm::Repeat::never), Succeeds());
  EXPECT_EQ(log_.sent, 2);
  EXPECT_EQ(tpm.statistics().commands, 2U);
  EXPECT_GT(tpm.statistics().waited.count(), 0);
}

/// A TPM that hangs up as soon as it has a whole command.
class HangUp {
 public:
  explicit HangUp(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    listener_ = UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    thread_ = std::thread{[this] { serve(); }};
  }
  HangUp(const HangUp&) = delete;
  HangUp& operator=(const HangUp&) = delete;
  ~HangUp() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  int commands() const { return commands_; }

 private:
  void serve() {
    for (;;) {
      const UniqueFd client{::accept(listener_.get(), nullptr, nullptr)};
      if (!client) return;
      std::array<std::uint8_t, kMaxFrame> command{};
      if (::recv(client.get(), command.data(), command.size(), 0) > 0) ++commands_;
    }
  }
  UniqueFd listener_;
  std::atomic<int> commands_ = 0;
  std::thread thread_;
};

TEST(SwtpmSocket, ReportsATpmThatHangsUpInTheMiddleOfACommand) {
  auto directory = TemporaryDirectory::create();
  ASSERT_THAT(directory, Succeeds());
  const HangUp server{(directory->path() / "tpm").native()};
  auto tpm = Tpm::open("swtpm:path=" + (directory->path() / "tpm").native());
  ASSERT_THAT(tpm, Succeeds());
  const auto digest = crypto::digest(HashAlgorithm::sha256, as_bytes("x"));
  EXPECT_THAT(extend_pcr(*tpm, 6, {{HashAlgorithm::sha256, digest}}), FailsWith(ErrorCode::tpm_unavailable));
  EXPECT_EQ(server.commands(), 1);
  EXPECT_THAT(get_random(*tpm, 4), FailsWith(ErrorCode::tpm_unavailable));
  EXPECT_EQ(server.commands(), 3);
}

TEST(SwtpmSocket, SaysThatNobodyIsThere) {
  EXPECT_THAT(Tpm::open("swtpm:path=/nonexistent/tpm"), FailsWith(ErrorCode::tpm_unavailable));
  EXPECT_THAT(Tpm::open("device:/nonexistent/tpmrm0"), FailsWith(ErrorCode::tpm_unavailable));
  EXPECT_THAT(Tpm::open("nonsense"), FailsWith(ErrorCode::tpm_unavailable));
  EXPECT_THAT(Tpm::open("swtpm:path=" + std::string(200, 'x')), FailsWith(ErrorCode::tpm_unavailable));
  EXPECT_THAT(Tpm::open(""), FailsWith(ErrorCode::invalid_argument));
}

TEST(SwtpmSocket, LetsOthersInBetweenTurnsOnly) {
  auto swtpm = SwtpmForTest::start();
  ASSERT_THAT(swtpm, Succeeds());
  auto ours = Tpm::open(swtpm->tcti());
  ASSERT_THAT(ours, Succeeds());
  EXPECT_THAT(get_random(*ours, 4), Succeeds());
  EXPECT_THAT(swtpm->tool_checked({"tpm2_getrandom", "--hex", "4"}), Succeeds());
  std::atomic<bool> answered = false;
  std::thread other;
  {
    const Tpm::Turn turn{*ours};
    EXPECT_THAT(get_random(*ours, 4), Succeeds());
    other = std::thread{[&] {
      auto theirs = Tpm::open(swtpm->tcti());
      EXPECT_TRUE(theirs && get_random(*theirs, 4));
      answered = true;
    }};
    for (int i = 0; i < 200; ++i) EXPECT_THAT(get_random(*ours, 4), Succeeds());
    EXPECT_FALSE(answered);
  }
  other.join();
  EXPECT_TRUE(answered);
}

/// By both ways to reach a swtpm.
class Restart : public testing::TestWithParam<Result<std::unique_ptr<Channel>> (*)(const SwtpmForTest&)> {};

INSTANTIATE_TEST_SUITE_P(Channels, Restart,
                         testing::Values([](const SwtpmForTest& tpm) { return open_channel(tpm.tcti()); },
                                         [](const SwtpmForTest& tpm) { return open_tcti(tpm.tcti()); }));

TEST_P(Restart, IsSurvivedByAConnection) {
  auto swtpm = SwtpmForTest::start();
  ASSERT_THAT(swtpm, Succeeds());
  auto channel = GetParam()(*swtpm);
  ASSERT_THAT(channel, Succeeds());
  Tpm tpm{std::move(*channel)};
  const Tpm::Turn turn{tpm};  // in the middle of a connection
  ASSERT_THAT(get_random(tpm, 4), Succeeds());
  ASSERT_THAT(swtpm->power_off(), Succeeds());
  ASSERT_THAT(swtpm->power_on(), Succeeds());
  EXPECT_THAT(get_random(tpm, 4), Succeeds());
  ASSERT_THAT(swtpm->power_off(), Succeeds());
  EXPECT_THAT(get_random(tpm, 4), FailsWith(ErrorCode::tpm_unavailable));
  ASSERT_THAT(swtpm->power_on(), Succeeds());
  const auto digest = crypto::digest(HashAlgorithm::sha256, as_bytes("x"));
  EXPECT_THAT(extend_pcr(tpm, 6, {{HashAlgorithm::sha256, digest}}), Succeeds());
}

TEST(Pcrs, AreReadInAsManyPiecesAsTheTpmGives) {
  auto swtpm = SwtpmForTest::start();
  ASSERT_THAT(swtpm, Succeeds());
  auto tpm = Tpm::open(swtpm->tcti());
  ASSERT_THAT(tpm, Succeeds());
  const auto digest = crypto::digest(HashAlgorithm::sha256, as_bytes("x"));
  ASSERT_THAT(extend_pcr(*tpm, 6, {{HashAlgorithm::sha256, digest}}), Succeeds());
  const auto all = PcrSelection::parse("sha256:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15+sha384:6");
  ASSERT_THAT(all, Succeeds());
  const auto values = read_pcrs(*tpm, *all);
  ASSERT_THAT(values, Succeeds());
  EXPECT_EQ(values->selection(), *all);
  const auto zeros = Bytes(32, 0);
  EXPECT_EQ(*values->find(HashAlgorithm::sha256, 6),
            crypto::digest(HashAlgorithm::sha256, {zeros, digest.view()}));
  const auto shown = swtpm->tool_checked({"tpm2_pcrread", "sha256:6"});
  ASSERT_THAT(shown, Succeeds());
  auto upper = to_hex(values->find(HashAlgorithm::sha256, 6)->view());
  std::ranges::transform(upper, upper.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
  EXPECT_NE(shown->out.find(upper), std::string::npos);
}

}  // namespace
}  // namespace sealift::tpm
