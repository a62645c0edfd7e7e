// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/session.h"

#include <gmock/gmock.h>

#include "base/matchers.h"
#include "services/agent/domain/agent_for_test.h"

namespace sealift::agent {
namespace {

class SessionTest : public ::testing::Test {
 protected:
  /// What the orchestrator has counted reaches `count`.
  bool reaches(int FakeOrchestrator::* counted, int count) {
    return eventually([&] {
      const std::lock_guard lock{world_.orchestrator.mutex};
      return world_.orchestrator.*counted >= count;
    });
  }
  template <typename Change>
  void change(Change change) {
    const std::lock_guard lock{world_.orchestrator.mutex};
    change(world_.orchestrator);
  }
  FakeWorld world_;
  FakeAgent agent_{world_};
};

TEST_F(SessionTest, RegistersBeatsAndTakesCommands) {
  world_.orchestrator.commands = {start_command(world_)};
  agent_.connect();
  EXPECT_TRUE(eventually([&] { return world_.orchestrator.result("launch/1/start").has_value(); }));
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock{world_.orchestrator.mutex};
    return world_.orchestrator.running == std::vector<std::string>{"launch"};
  }));
  EXPECT_TRUE(reaches(&FakeOrchestrator::beats, 3));
  change([](FakeOrchestrator& orchestrator) { EXPECT_EQ(orchestrator.registered, 1); });
}

TEST_F(SessionTest, StopsWhatTheHeartbeatSays) {
  world_.orchestrator.commands = {start_command(world_)};
  world_.orchestrator.stop_list = {"launch", "../never-heard-of"};
  agent_.connect();
  EXPECT_TRUE(eventually([&] { return world_.orchestrator.is_told_of_the_end("launch"); }));
}

TEST_F(SessionTest, RegistersAgainAfterEachStream) {
  world_.orchestrator.streams_end = true;
  agent_.connect();
  EXPECT_TRUE(reaches(&FakeOrchestrator::streams, 3));
  change([](FakeOrchestrator& orchestrator) {
    EXPECT_GE(orchestrator.registered, 3);
    EXPECT_EQ(orchestrator.changed_replica, 0) << "a stream that ends as it should is no reason";
  });
}

TEST_F(SessionTest, GoesFromReplicaToReplicaUntilOneAnswers) {
  world_.orchestrator.answer = Error{ErrorCode::unavailable, "down", "", ""};
  agent_.connect();
  EXPECT_TRUE(reaches(&FakeOrchestrator::changed_replica, 3));
  world_.orchestrator.answer_with({});
  EXPECT_TRUE(reaches(&FakeOrchestrator::streams, 1));
}

TEST_F(SessionTest, RegistersAgainWhereItWasForgotten) {
  agent_.connect();
  ASSERT_TRUE(reaches(&FakeOrchestrator::streams, 1));
  change([](FakeOrchestrator& orchestrator) {
    orchestrator.heartbeat_answer = Error{ErrorCode::not_found, "register first", "", ""};
  });
  EXPECT_TRUE(reaches(&FakeOrchestrator::registered, 2));
}

TEST_F(SessionTest, LeavesAReplicaThatMissesHeartbeats) {
  agent_.connect();
  ASSERT_TRUE(reaches(&FakeOrchestrator::streams, 1));
  change([](FakeOrchestrator& orchestrator) {
    orchestrator.heartbeat_answer = Error{ErrorCode::timeout, "too slow", "", ""};
  });
  EXPECT_TRUE(reaches(&FakeOrchestrator::changed_replica, 1));
}

TEST_F(SessionTest, BeginsAnewWhereTooManyCommandsCome) {
  auto limits = FakeAgent::quick_limits();
  limits.waiting_commands = 1;
  limits.console_readers = 1;
  limits.console_wait = milliseconds{1};
  FakeAgent agent{world_, 1 << 30, limits};
  world_.objects.blocked = true;
  world_.orchestrator.commands = {start_command(world_)};
  for (int i = 0; i < 50; ++i) {
    auto command = command_for("launch", "console" + std::to_string(i));
    command.mutable_read_console()->set_wait_ms(1);
    world_.orchestrator.commands.push_back(std::move(command));
  }
  agent.connect();
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock{world_.orchestrator.mutex};
    return world_.orchestrator.results.size() == 50;
  })) << "all of them come again until they are done";
  EXPECT_TRUE(reaches(&FakeOrchestrator::streams, 2));
}

TEST_F(SessionTest, KeepsToItsOwnBoundsOfTheHeartbeat) {
  world_.orchestrator.heartbeat_interval_ms = 0;
  agent_.connect();
  EXPECT_TRUE(reaches(&FakeOrchestrator::beats, 2));
}

}  // namespace
}  // namespace sealift::agent
