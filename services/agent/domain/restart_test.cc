// SPDX-License-Identifier: Apache-2.0
/// The agent is killed at every point of an instance's life, begun again, and given the same commands again,
/// as an orchestrator does. The orchestrator fake itself finds sequence numbers that are used twice or left
/// out.
#include "base/matchers.h"
#include "services/agent/domain/agent_for_test.h"

namespace sealift::agent {
namespace {

constexpr const char* kId = "launch.1";

struct Ends {
  bool before = false;  ///< the guest ends by itself before the restart, if it gets so far
  bool reboot = false;  ///< the ultravisor is restarted with the agent
  bool stop = false;    ///< the orchestrator stops the launch after the restart
};

/// True where the agent had a whole life within `steps`.
bool live(FakeWorld& world, int steps, const Ends& ends) {
  FakeAgent first{world, steps};
  EXPECT_THAT(first.commands.take(start_command(world)), Succeeds());
  const auto is_done = [&] {
    const auto result = world.orchestrator.result("launch/1/start");
    const bool complete = ends.before ? world.orchestrator.is_told_of_the_end("launch") : true;
    return result.has_value() && complete && (!ends.before || first.instances.running().empty());
  };
  EXPECT_TRUE(eventually([&] { return first.power.is_off() || is_done(); }));
  return !first.power.is_off();
}

void live_again(FakeWorld& world, const Ends& ends) {
  FakeAgent second{world};
  if (!world.orchestrator.result("launch/1/start")) {
    EXPECT_THAT(second.commands.take(start_command(world)), Succeeds());
  }
  if (ends.stop) {
    EXPECT_THAT(second.commands.take(stop_command()), Succeeds());
  }
  if (!ends.before && !ends.reboot && !ends.stop) {
    EXPECT_TRUE(eventually([&] { return world.orchestrator.result("launch/1/start").has_value(); }));
    if (!world.ultravisor.live().empty()) world.ultravisor.end(kId, 3);
  }
  EXPECT_TRUE(eventually([&] {
    return world.orchestrator.is_told_of_the_end("launch") &&
           (!ends.stop || world.orchestrator.result("launch/1/stop")) && second.instances.running().empty();
  })) << ::testing::PrintToString(world.orchestrator.events("launch"));
}

/// Kills it after 0, 1, 2, … steps until it gets to its end; the number of lives.
int die_everywhere(const Ends& ends) {
  for (int steps = 1;; ++steps) {
    FakeWorld world;
    if (ends.before) world.ultravisor.then = Ending{3};
    const bool whole = live(world, steps, ends);
    if (ends.reboot) world.ultravisor.restart();
    const bool began = world.ultravisor.starts_of(kId) > 0;
    live_again(world, ends);
    EXPECT_LE(world.ultravisor.starts_of(kId), 1) << "after " << steps << " steps";
    EXPECT_TRUE(world.ultravisor.live().empty()) << "after " << steps << " steps";
    const auto last = *world.orchestrator.last("launch");
    if (began && !last.has_refusal()) {
      EXPECT_EQ(last.event(), "guest_ended");
    }
    if (::testing::Test::HasFailure()) ADD_FAILURE() << "killed after " << steps << " steps";
    if (whole || ::testing::Test::HasFailure()) return steps;
  }
}

TEST(Restart, AnywhereNeverStartsALaunchTwiceNorLosesItsEnd) {
  EXPECT_GT(die_everywhere({.before = true}), 40);
}

TEST(Restart, WhileTheGuestLivesTakesItUpAgain) { EXPECT_GT(die_everywhere({}), 40); }

TEST(Restart, TogetherWithTheUltravisorEndsWhatRan) {
  EXPECT_GT(die_everywhere({.before = true, .reboot = true}), 40);
}

TEST(Restart, BeforeAStopStopsIt) { EXPECT_GT(die_everywhere({.stop = true}), 40); }

class Restarted : public ::testing::Test {
 protected:
  /// The guest runs, and the agent is away.
  void run_and_kill() {
    FakeAgent agent{world_};
    ASSERT_THAT(agent.commands.take(start_command(world_)), Succeeds());
    ASSERT_TRUE(eventually([&] {
      return world_.orchestrator.result("launch/1/start") && world_.orchestrator.events("launch").size() == 9;
    }));
  }
  FakeWorld world_;
};

TEST_F(Restarted, LearnsOfAnEndWhileItWasAway) {
  run_and_kill();
  world_.ultravisor.end(kId, 7);
  const FakeAgent again{world_};
  ASSERT_TRUE(eventually([&] { return world_.orchestrator.is_told_of_the_end("launch"); }));
  EXPECT_EQ(world_.orchestrator.last("launch")->exit_status(), 7);
}

TEST_F(Restarted, ReportsAGuestThatItsUltravisorForgotAsLost) {
  run_and_kill();
  world_.ultravisor.restart();
  const FakeAgent again{world_};
  ASSERT_TRUE(eventually([&] { return world_.orchestrator.is_told_of_the_end("launch"); }));
  EXPECT_EQ(world_.orchestrator.last("launch")->event(), "guest_ended");
  EXPECT_EQ(world_.orchestrator.last("launch")->refusal().code(), "guest_failed");
}

TEST_F(Restarted, WaitsForAnUltravisorThatIsAway) {
  run_and_kill();
  world_.ultravisor.reachable = false;
  const FakeAgent again{world_};
  EXPECT_EQ(again.instances.running().size(), 1U);
  EXPECT_FALSE(world_.orchestrator.is_told_of_the_end("launch"));
  world_.ultravisor.reachable = true;
  world_.ultravisor.end(kId, 0);
  EXPECT_TRUE(eventually([&] { return world_.orchestrator.is_told_of_the_end("launch"); }));
}

TEST_F(Restarted, TellsLaterWhatTheOrchestratorCouldNotHear) {
  world_.orchestrator.answer_with(Error{ErrorCode::unavailable, "down", "", ""});
  {
    FakeAgent agent{world_};
    ASSERT_THAT(agent.commands.take(start_command(world_)), Succeeds());
    ASSERT_TRUE(eventually([&] { return world_.ultravisor.starts_of(kId) == 1; }));
    world_.ultravisor.end(kId, 0);
    ASSERT_TRUE(eventually([&] {
      const std::lock_guard lock{world_.journal.mutex};
      return Record::parse(world_.journal.documents.at(kId)).value().is_over();
    }));
    EXPECT_EQ(agent.instances.running().size(), 1U) << "its end is not told yet";
  }
  world_.orchestrator.answer_with({});
  FakeAgent again{world_};
  ASSERT_TRUE(eventually([&] { return world_.orchestrator.is_told_of_the_end("launch"); }));
  EXPECT_EQ(world_.orchestrator.events("launch").size(), 10U);
}

TEST_F(Restarted, DoesNotInsistWhereTheOrchestratorWillNotHear) {
  run_and_kill();
  world_.orchestrator.answer_with(
      Error{ErrorCode::failed_precondition, "not with this host", "launch_id", ""});
  world_.ultravisor.end(kId, 0);
  const FakeAgent again{world_};
  EXPECT_TRUE(eventually([&] { return again.instances.running().empty(); }));
}

}  // namespace
}  // namespace sealift::agent
