// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/domain/direct_commands.h"

#include <thread>

#include "base/matchers.h"
#include "services/orchestrator/domain/zone_for_test.h"

namespace sealift::orchestrator {
namespace {

class ADirectCommand : public testing::Test {
 protected:
  static v1::Command command() {
    v1::Command made;
    made.set_command_id("launch/1/console-1");
    return made;
  }
  static v1::CompleteCommandRequest result(const std::string& data) {
    v1::CompleteCommandRequest made;
    made.set_command_id(command().command_id());
    made.mutable_console()->set_data(data);
    return made;
  }
  Result<v1::CompleteCommandRequest> ask(milliseconds limit, const std::stop_token& stop = {}) {
    return direct_.ask("alpha", command(), limit, stop);
  }

  ADirectCommand() { hosts_.hosts = {"alpha"}; }

  ConnectedHostsForTest hosts_;
  DirectCommands direct_{hosts_};
};

constexpr milliseconds kLong{60'000};
constexpr milliseconds kShort{20};

TEST_F(ADirectCommand, IsAnsweredByItsHost) {
  std::jthread later;
  hosts_.on_command = [&](const v1::Command&) {
    later = std::jthread{[this] { EXPECT_TRUE(direct_.complete("alpha", result("here"))); }};
  };
  EXPECT_EQ(ask(kLong)->console().data(), "here");
}

TEST_F(ADirectCommand, IsNotAnsweredByAnotherHostNorByAnAnswerToAnother) {
  hosts_.on_command = [&](const v1::Command&) {
    EXPECT_FALSE(direct_.complete("beta", result("forged")));
    auto other = result("other");
    other.set_command_id("launch/1/console-2");
    EXPECT_FALSE(direct_.complete("alpha", other));
  };
  EXPECT_THAT(ask(kShort), FailsAt(ErrorCode::timeout, "host"));
}

TEST_F(ADirectCommand, IsForgottenWhenItWasAnswered) {
  hosts_.on_command = [&](const v1::Command&) { EXPECT_TRUE(direct_.complete("alpha", result("once"))); };
  EXPECT_THAT(ask(kLong), Succeeds());
  EXPECT_FALSE(direct_.complete("alpha", result("twice")));
  EXPECT_THAT(ask(kLong), Succeeds());
}

TEST_F(ADirectCommand, IsUnavailableToAHostThatIsNotConnectedHere) {
  hosts_.hosts.clear();
  EXPECT_THAT(ask(kLong), FailsAt(ErrorCode::unavailable, "host"));
}

TEST_F(ADirectCommand, IsUnavailableToAHostThatGoesElsewhereMeanwhile) {
  hosts_.on_command = [&](const v1::Command&) { hosts_.hosts.clear(); };
  EXPECT_THAT(ask(kShort), FailsAt(ErrorCode::unavailable, "host"));
}

TEST_F(ADirectCommand, EndsWhenNobodyWaitsForIt) {
  std::stop_source stop;
  hosts_.on_command = [&](const v1::Command&) { stop.request_stop(); };
  EXPECT_THAT(ask(kLong, stop.get_token()), FailsWith(ErrorCode::canceled));
}

}  // namespace
}  // namespace sealift::orchestrator
