// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/instances.h"

#include <gmock/gmock.h>

#include "base/matchers.h"
#include "services/agent/domain/agent_for_test.h"

namespace sealift::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kId = "launch.1";

class InstancesTest : public ::testing::Test {
 protected:
  void begin(int steps = 1 << 30, Limits limits = FakeAgent::quick_limits()) {
    agent_.reset();
    agent_ = std::make_unique<FakeAgent>(world_, steps, limits);
  }
  Status take(const v1::Command& command) { return agent_->commands.take(command); }
  bool is_started(const std::string& launch_id = "launch") {
    return eventually([&] {
      const auto result = world_.orchestrator.result(launch_id + "/1/start");
      return result && result->has_started();
    });
  }
  bool is_ended(const std::string& launch_id = "launch") {
    return eventually([&] { return world_.orchestrator.is_told_of_the_end(launch_id); });
  }
  /// What the start command was refused with.
  std::string refusal(const std::string& launch_id = "launch") {
    const auto id = launch_id + "/1/start";
    EXPECT_TRUE(eventually([&] { return world_.orchestrator.result(id).has_value(); }));
    return world_.orchestrator.result(id)->refusal().code();
  }
  std::filesystem::path file(const std::string& name) const {
    return world_.journal.files.path() / kId / name;
  }

  FakeWorld world_;
  std::unique_ptr<FakeAgent> agent_ = std::make_unique<FakeAgent>(world_);
};

TEST_F(InstancesTest, AreFetchedStartedAndFollowedToTheirEnd) {
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  ASSERT_TRUE(is_started());
  const auto& guest = world_.ultravisor.guests.at(kId);
  EXPECT_EQ(guest.cmdline, "quiet");
  EXPECT_EQ(as_text(read_file(guest.head, 100).value()), "dir:head-of-launch");
  EXPECT_EQ(as_text(read_file(guest.initramfs_body, 100).value()), "dir:body");
  EXPECT_EQ(as_text(guest.reference_event_log), "reference");
  EXPECT_THAT(agent_->instances.running(), ElementsAre("launch"));
  world_.ultravisor.end(kId, 3);
  ASSERT_TRUE(is_ended());
  EXPECT_EQ(world_.orchestrator.last("launch")->exit_status(), 3);
  EXPECT_THAT(world_.orchestrator.events("launch"),
              ElementsAre("image_fetched", "components_pinned", "operand_found", "target_found",
                          "seal_opened", "payload_verified", "components_verified", "guest_started",
                          "customer_data_delivered", "guest_ended"));
  EXPECT_TRUE(eventually([&] { return agent_->instances.running().empty(); }));
  EXPECT_FALSE(std::filesystem::exists(file("overlay.qcow2")));
  EXPECT_FALSE(std::filesystem::exists(file("head")));
}

TEST_F(InstancesTest, ThatComeTwiceAreStartedOnce) {
  for (int i = 0; i < 3; ++i) ASSERT_THAT(take(start_command(world_)), Succeeds());
  ASSERT_TRUE(is_started());
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  world_.ultravisor.end(kId, 0);
  ASSERT_TRUE(is_ended());
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  begin();
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  EXPECT_EQ(world_.ultravisor.starts_of(kId), 1);
  EXPECT_EQ(world_.objects.fetched["dir:disk"], 1);
}

TEST_F(InstancesTest, ShareWhatTheyAreMadeOfButTheHead) {
  for (const auto* id : {"one", "two", "three"}) ASSERT_THAT(take(start_command(world_, id)), Succeeds());
  for (const auto* id : {"one", "two", "three"}) ASSERT_TRUE(is_started(id));
  EXPECT_EQ(world_.objects.fetched["dir:disk"], 1);
  EXPECT_EQ(world_.objects.fetched["dir:head-of-two"], 1);
}

TEST_F(InstancesTest, AreRefusedAsTheUltravisorDoes) {
  world_.ultravisor.script = {"components_pinned", "operand_found"};
  world_.ultravisor.then = Error{ErrorCode::no_target_for_host, "not sealed to it", "target", ""};
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  EXPECT_EQ(refusal(), "no_target_for_host");
  const auto last = world_.orchestrator.last("launch");
  EXPECT_EQ(last->event(), "target_found") << "the step that did not come about";
  EXPECT_EQ(last->refusal().field(), "target");
  EXPECT_FALSE(std::filesystem::exists(file("overlay.qcow2")));
}

TEST_F(InstancesTest, AreRefusedWhereSomethingCannotBeFetched) {
  world_.objects.refusal = Error{ErrorCode::object_differs, "other bytes", "sha512", ""};
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  EXPECT_EQ(refusal(), "object_differs");
  EXPECT_THAT(world_.orchestrator.events("launch"), ElementsAre("image_fetched"));
  EXPECT_EQ(world_.ultravisor.starts_of(kId), 0);
}

TEST_F(InstancesTest, AreRefusedWhereNoUltravisorListens) {
  world_.ultravisor.reachable = false;
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  EXPECT_EQ(refusal(), "unavailable");
}

TEST_F(InstancesTest, AreRefusedOnAFullDiskAndLeaveNothing) {
  world_.journal.fails = true;
  world_.journal.fails_with = ErrorCode::no_space;
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  EXPECT_EQ(refusal(), "no_space");
  EXPECT_TRUE(world_.journal.documents.empty());
  EXPECT_TRUE(std::filesystem::is_empty(world_.journal.files.path()));
  EXPECT_THAT(agent_->instances.running(), IsEmpty());
}

TEST_F(InstancesTest, NeverRunWhereTheJournalCannotSaySo) {
  world_.objects.blocked = true;
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  begin();
  world_.objects.blocked = false;
  world_.journal.fails = true;
  world_.journal.fails_with = ErrorCode::no_space;
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  EXPECT_EQ(refusal(), "no_space");
  EXPECT_EQ(world_.ultravisor.starts_of(kId), 0);
}

TEST_F(InstancesTest, AreStoppedWhileTheyAreFetched) {
  world_.objects.blocked = true;
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  ASSERT_THAT(take(stop_command()), Succeeds());
  EXPECT_EQ(refusal(), "canceled");
  EXPECT_TRUE(eventually([&] { return world_.orchestrator.result("launch/1/stop").has_value(); }));
  EXPECT_TRUE(world_.orchestrator.result("launch/1/stop")->has_stopped());
  EXPECT_EQ(world_.ultravisor.starts_of(kId), 0);
}

TEST_F(InstancesTest, AreStoppedWhileTheyRunAndOnlyThenIsTheStopDone) {
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  ASSERT_TRUE(is_started());
  ASSERT_THAT(take(stop_command()), Succeeds());
  EXPECT_TRUE(eventually([&] { return world_.orchestrator.result("launch/1/stop").has_value(); }));
  EXPECT_TRUE(world_.orchestrator.is_told_of_the_end("launch"));
  EXPECT_EQ(world_.orchestrator.last("launch")->exit_status(), 137);
}

TEST_F(InstancesTest, StoppedBeforeTheyAreKnownAreNeverStarted) {
  ASSERT_THAT(take(stop_command()), Succeeds());
  EXPECT_TRUE(eventually([&] { return world_.orchestrator.result("launch/1/stop").has_value(); }));
  begin();
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  EXPECT_EQ(refusal(), "canceled");
  EXPECT_EQ(world_.ultravisor.starts_of(kId), 0);
}

TEST_F(InstancesTest, AreStoppedOnceTheUltravisorCanBeReached) {
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  ASSERT_TRUE(is_started());
  world_.ultravisor.reachable = false;
  ASSERT_THAT(take(stop_command()), Succeeds());
  EXPECT_FALSE(world_.orchestrator.result("launch/1/stop").has_value());
  world_.ultravisor.reachable = true;
  EXPECT_TRUE(is_ended());
}

TEST_F(InstancesTest, AreStoppedWhereTheHeartbeatSaysSo) {
  for (const auto* id : {"one", "two"}) ASSERT_THAT(take(start_command(world_, id)), Succeeds());
  for (const auto* id : {"one", "two"}) ASSERT_TRUE(is_started(id));
  agent_->instances.stop_launches({"two", "three"});
  EXPECT_TRUE(is_ended("two"));
  EXPECT_FALSE(world_.orchestrator.is_told_of_the_end("one"));
}

TEST_F(InstancesTest, OfALaunchThatIsHereInAnotherAttemptAreRefused) {
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  auto again = start_command(world_);
  again.set_attempt(2);
  again.set_command_id("launch/2/start");
  ASSERT_THAT(take(again), Succeeds());
  EXPECT_TRUE(eventually([&] { return world_.orchestrator.result("launch/2/start").has_value(); }));
  EXPECT_EQ(world_.orchestrator.result("launch/2/start")->refusal().code(), "conflict");
}

TEST_F(InstancesTest, AreNoMoreThanTheHostHasRoomFor) {
  auto limits = FakeAgent::quick_limits();
  limits.instances = 2;
  begin(1 << 30, limits);
  auto large = start_command(world_, "large");
  large.mutable_start_instance()->set_memory_mib(8192);
  ASSERT_THAT(take(large), Succeeds());
  EXPECT_EQ(refusal("large"), "resource_exhausted");
  for (const auto* id : {"one", "two", "three"}) ASSERT_THAT(take(start_command(world_, id)), Succeeds());
  EXPECT_EQ(refusal("three"), "resource_exhausted");
  EXPECT_THAT(agent_->instances.running(), ElementsAre("one", "two"));
}

TEST_F(InstancesTest, KeepTheirConsoleForAWhileAfterTheirEnd) {
  auto limits = FakeAgent::quick_limits();
  limits.ended = 2;
  begin(1 << 30, limits);
  for (const auto* id : {"one", "two", "three"}) {
    ASSERT_THAT(take(start_command(world_, id)), Succeeds());
    ASSERT_TRUE(is_started(id));
    world_.ultravisor.end(std::string{id} + ".1", 0);
    ASSERT_TRUE(is_ended(id));
    world_.clock.advance(std::chrono::seconds{1});
  }
  ASSERT_TRUE(eventually([&] { return agent_->instances.running().empty(); }));
  const auto has_console = [&](const char* id) {
    const auto name = InstanceName::make(id, 1).value();
    return agent_->instances.read_console(name, 0, milliseconds{0}, {}).has_value();
  };
  agent_->instances.forget_ended();
  EXPECT_FALSE(has_console("one"));
  EXPECT_TRUE(has_console("two"));
  EXPECT_TRUE(has_console("three"));
  world_.clock.advance(std::chrono::hours{1});
  agent_->instances.forget_ended();
  EXPECT_FALSE(has_console("three"));
  EXPECT_TRUE(std::filesystem::is_empty(world_.journal.files.path()));
}

TEST_F(InstancesTest, ThatTheJournalDoesNotKnowAreStopped) {
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  ASSERT_TRUE(is_started());
  agent_.reset();
  world_.journal.documents.clear();
  Guest mine{};
  mine.id = "run-of-somebody-else";
  ASSERT_FALSE(world_.ultravisor.begin(mine));
  begin();
  agent_->instances.stop_strangers();
  EXPECT_THAT(world_.ultravisor.live(), ElementsAre("run-of-somebody-else"));
}

class ConsoleTest : public InstancesTest {
 protected:
  v1::ConsoleResult read(std::uint64_t offset, int wait_ms = 0) {
    const auto name = InstanceName::make("launch", 1).value();
    return agent_->instances.read_console(name, offset, milliseconds{wait_ms}, {}).value();
  }
};

TEST_F(ConsoleTest, IsReadFromAnyPlaceToTheEnd) {
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  ASSERT_TRUE(is_started());
  const std::string text(kConsoleChunk + 5, 'x');
  ASSERT_THAT(put_file(file("console"), as_bytes(text)), Succeeds());
  EXPECT_EQ(read(0).data().size(), kConsoleChunk);
  EXPECT_EQ(read(kConsoleChunk).data(), "xxxxx");
  EXPECT_EQ(read(kConsoleChunk).offset(), kConsoleChunk);
  EXPECT_FALSE(read(kConsoleChunk).ended());
  EXPECT_EQ(read(1U << 20U).data(), "");
  EXPECT_EQ(read(~std::uint64_t{0}).data(), "");
  world_.ultravisor.end(kId, 0);
  ASSERT_TRUE(is_ended());
  EXPECT_FALSE(read(0).ended());
  EXPECT_TRUE(read(kConsoleChunk).ended());
  EXPECT_EQ(read(kConsoleChunk).data(), "xxxxx");
  EXPECT_TRUE(read(~std::uint64_t{0}).ended());
}

TEST_F(ConsoleTest, IsWaitedFor) {
  ASSERT_THAT(take(start_command(world_)), Succeeds());
  ASSERT_TRUE(is_started());
  std::jthread guest{[&] { ASSERT_THAT(put_file(file("console"), as_bytes("hello")), Succeeds()); }};
  EXPECT_EQ(read(0, 60'000).data(), "hello");
  std::jthread end{[&] { world_.ultravisor.end(kId, 0); }};
  EXPECT_TRUE(read(5, 60'000).ended());
}

}  // namespace
}  // namespace sealift::agent
