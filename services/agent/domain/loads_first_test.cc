// SPDX-License-Identifier: Apache-2.0
/// Instances of a TEE that measures what it loads: they wait, measured, until they are released.
#include <gmock/gmock.h>

#include "base/matchers.h"
#include "services/agent/domain/agent_for_test.h"
#include "services/agent/domain/instances.h"

namespace sealift::agent {
namespace {

using ::testing::ElementsAre;

constexpr const char* kId = "launch.1";

class LoadedInstances : public ::testing::Test {
 protected:
  LoadedInstances() { world_.ultravisor.script = {"guest_loaded"}; }
  void restart() {
    agent_.reset();
    agent_ = std::make_unique<FakeAgent>(world_);
  }
  Status take(const v1::Command& command) { return agent_->commands.take(command); }
  v1::Command load(const std::string& name = "load") {
    auto command = start_command(world_);
    command.set_command_id("launch/1/" + name);
    command.mutable_start_instance()->clear_head();
    command.mutable_start_instance()->set_question("a session");
    return command;
  }
  static v1::Command release(const std::string& payload = "secret", const std::string& name = "start") {
    v1::Command command;
    command.set_command_id("launch/1/" + name);
    command.set_launch_id("launch");
    command.set_attempt(1);
    command.mutable_release_instance()->mutable_secret()->set_payload(payload);
    return command;
  }
  v1::CompleteCommandRequest result(const std::string& name) {
    const auto id = "launch/1/" + name;
    EXPECT_TRUE(eventually([&] { return world_.orchestrator.result(id).has_value(); })) << id;
    return world_.orchestrator.result(id).value_or(v1::CompleteCommandRequest{});
  }

  FakeWorld world_;
  std::unique_ptr<FakeAgent> agent_ = std::make_unique<FakeAgent>(world_);
};

TEST_F(LoadedInstances, AnswerWithTheirMeasurementAndRunOnceTheyAreReleased) {
  ASSERT_THAT(take(load()), Succeeds());
  EXPECT_EQ(result("load").answer().answer(), "measured launch.1");
  EXPECT_EQ(as_text(world_.ultravisor.guests.at(kId).question), "a session");
  EXPECT_THAT(world_.orchestrator.events("launch"), ElementsAre("image_fetched", "guest_loaded"));
  ASSERT_THAT(take(release()), Succeeds());
  EXPECT_TRUE(result("start").has_started());
  EXPECT_TRUE(eventually([&] { return world_.orchestrator.events("launch").size() == 3; }));
  EXPECT_EQ(world_.orchestrator.last("launch")->event(), "guest_started");
}

TEST_F(LoadedInstances, AreLoadedOnceAndAnswerTheSameAfterARestart) {
  ASSERT_THAT(take(load()), Succeeds());
  EXPECT_EQ(result("load").answer().answer(), "measured launch.1");
  restart();
  ASSERT_THAT(take(load("again")), Succeeds());
  EXPECT_EQ(result("again").answer().answer(), "measured launch.1");
  EXPECT_EQ(world_.ultravisor.starts_of(kId), 1);
}

TEST_F(LoadedInstances, SayWhyTheirSecretWasRefusedAndWaitOn) {
  ASSERT_THAT(take(load()), Succeeds());
  (void)result("load");
  ASSERT_THAT(take(release("altered")), Succeeds());
  EXPECT_EQ(result("start").refusal().code(), "authentication_failed");
  ASSERT_THAT(take(release("secret", "second")), Succeeds());
  EXPECT_TRUE(result("second").has_started());
}

TEST_F(LoadedInstances, ThatEndEarlyRefuseTheirLoad) {
  world_.ultravisor.script = {};
  world_.ultravisor.then = Ending{Error{ErrorCode::guest_failed, "no PSP", "qemu", ""}};
  ASSERT_THAT(take(load()), Succeeds());
  EXPECT_EQ(result("load").refusal().code(), "guest_failed");
  EXPECT_EQ(world_.orchestrator.last("launch")->event(), "guest_loaded");
}

TEST_F(LoadedInstances, AreNoneThatNobodyLoaded) {
  ASSERT_THAT(take(release()), Succeeds());
  EXPECT_EQ(result("start").refusal().code(), "not_found");
}

TEST_F(LoadedInstances, HaveNoHead) {
  auto both = load();
  *both.mutable_start_instance()->mutable_head() = both.start_instance().kernel();
  ASSERT_THAT(take(both), Succeeds());
  EXPECT_EQ(result("load").refusal().field(), "head");
}

}  // namespace
}  // namespace sealift::agent
