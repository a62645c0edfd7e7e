// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/commands.h"

#include <gmock/gmock.h>

#include "base/matchers.h"
#include "services/agent/domain/agent_for_test.h"

namespace sealift::agent {
namespace {

class CommandsTest : public ::testing::Test {
 protected:
  v1::CompleteCommandRequest result(const v1::Command& command) {
    EXPECT_THAT(agent_.commands.take(command), Succeeds());
    EXPECT_TRUE(eventually([&] { return world_.orchestrator.result(command.command_id()).has_value(); }));
    return world_.orchestrator.result(command.command_id()).value_or(v1::CompleteCommandRequest{});
  }
  static v1::Command question(const std::string& text) {
    auto command = command_for("launch", "question");
    command.mutable_answer_question()->set_question(text);
    return command;
  }
  FakeWorld world_;
  FakeAgent agent_{world_};
};

TEST_F(CommandsTest, ShowTheHostsEvidenceAndAnswerQuestions) {
  auto command = command_for("launch", "evidence");
  command.mutable_get_evidence();
  EXPECT_EQ(result(command).evidence().evidence(), "evidence");
  EXPECT_EQ(result(question("who are you")).answer().answer(), "who are you");
}

TEST_F(CommandsTest, RefuseWhatTheTpmRefuses) {
  const auto refusal = result(question("wrong")).refusal();
  EXPECT_EQ(refusal.code(), "challenge_response_differs");
  EXPECT_EQ(refusal.field(), "credential");
  EXPECT_NE(refusal.remedy(), "");
}

TEST_F(CommandsTest, RefuseQuestionsOfNoOrAnySize) {
  EXPECT_EQ(result(question("")).refusal().field(), "question");
  auto large = question(std::string(kMaxQuestion + 1, 'x'));
  large.set_command_id("large");
  EXPECT_EQ(result(large).refusal().field(), "question");
}

TEST_F(CommandsTest, WithoutAnIdThatCanBeAnsweredArePassedOver) {
  for (const auto& id : {std::string{}, std::string(201, 'x'), std::string{"a b"}, std::string{"a\n"}}) {
    auto command = question("who");
    command.set_command_id(id);
    EXPECT_THAT(agent_.commands.take(command), Succeeds());
  }
  result(question("last"));
  EXPECT_EQ(world_.orchestrator.results.size(), 1U);
}

TEST_F(CommandsTest, OfAnUnknownKindAreRefused) {
  EXPECT_EQ(result(command_for("launch", "new")).refusal().code(), "unimplemented");
}

TEST_F(CommandsTest, ForInstancesWithBadNamesAreRefused) {
  for (const auto* id : {"../launch", "", "Launch", "launch.1"}) {
    for (auto command : {start_command(world_, id), stop_command(id)}) {
      command.set_command_id(std::string{"try"} + id + std::to_string(command.command_case()));
      EXPECT_EQ(result(command).refusal().field(), "launch_id") << id;
    }
  }
  auto command = stop_command();
  command.set_attempt(0);
  EXPECT_EQ(result(command).refusal().field(), "attempt");
  EXPECT_TRUE(std::filesystem::is_empty(world_.journal.files.path()));
}

TEST_F(CommandsTest, ReadNoConsoleOfAnUnknownInstance) {
  auto command = command_for("launch", "console");
  command.mutable_read_console()->set_wait_ms(100'000);
  EXPECT_EQ(result(command).refusal().code(), "not_found");
}

TEST_F(CommandsTest, WaitForAConsoleNoLongerThanTheHostLikes) {
  auto limits = FakeAgent::quick_limits();
  limits.console_wait = milliseconds{5};
  FakeAgent agent{world_, 1 << 30, limits};
  world_.objects.blocked = true;
  ASSERT_THAT(agent.commands.take(start_command(world_)), Succeeds());
  auto command = command_for("launch", "console");
  command.mutable_read_console()->set_wait_ms(~0U);
  ASSERT_THAT(agent.commands.take(command), Succeeds());
  ASSERT_TRUE(eventually([&] { return world_.orchestrator.result("launch/1/console").has_value(); }));
  EXPECT_FALSE(world_.orchestrator.result("launch/1/console")->console().ended());
}

TEST_F(CommandsTest, BeyondTheBoundAreLeftForTheNextStream) {
  auto limits = FakeAgent::quick_limits();
  limits.waiting_commands = 4;
  limits.console_readers = 1;
  limits.console_wait = milliseconds{60'000};
  FakeAgent agent{world_, 1 << 30, limits};
  world_.objects.blocked = true;
  ASSERT_THAT(agent.commands.take(start_command(world_)), Succeeds());
  Status taken;
  int count = 0;
  for (; taken && count < 100; ++count) {
    auto command = command_for("launch", "console" + std::to_string(count));
    command.mutable_read_console()->set_wait_ms(60'000);
    taken = agent.commands.take(command);
  }
  EXPECT_THAT(taken, FailsWith(ErrorCode::canceled));
  EXPECT_LE(count, 6);
}

TEST_F(CommandsTest, ThatWaitAlreadyAreNotTakenAgain) {
  world_.orchestrator.answer_with(Error{ErrorCode::unavailable, "down", "", ""});
  for (int i = 0; i < 1000; ++i) ASSERT_THAT(agent_.commands.take(question("who")), Succeeds());
  world_.orchestrator.answer_with({});
  result(question("who"));
}

TEST_F(CommandsTest, HaveTheirResultsSentUntilTheyArrive) {
  world_.orchestrator.answer_with(Error{ErrorCode::unavailable, "down", "", ""});
  ASSERT_THAT(agent_.commands.take(question("who")), Succeeds());
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock{world_.orchestrator.mutex};
    return world_.orchestrator.calls > 3;
  }));
  world_.orchestrator.answer_with({});
  EXPECT_TRUE(eventually([&] { return world_.orchestrator.result("launch/1/question").has_value(); }));
}

/// A start command with one thing wrong, and which.
struct Fault {
  const char* field;
  void (*spoil)(v1::StartInstance& start);
};

class StartFaults : public CommandsTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(StartFaults, AreRefusedByName) {
  auto command = start_command(world_);
  GetParam().spoil(*command.mutable_start_instance());
  const auto refusal = result(command).refusal();
  EXPECT_EQ(refusal.field(), GetParam().field);
  EXPECT_THAT(refusal.code(), ::testing::AnyOf("invalid_argument", "too_large"));
  EXPECT_TRUE(world_.journal.documents.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Of, StartFaults,
    ::testing::Values(
        Fault{"image_id", [](v1::StartInstance& start) { start.set_image_id("../../etc"); }},
        Fault{"image_id", [](v1::StartInstance& start) { start.set_image_id(std::string(32, 'G')); }},
        Fault{"cmdline", [](v1::StartInstance& start) { start.set_cmdline(std::string(2049, 'x')); }},
        Fault{"cmdline", [](v1::StartInstance& start) { start.set_cmdline(std::string{"a\0b", 3}); }},
        Fault{"cpus", [](v1::StartInstance& start) { start.set_cpus(0); }},
        Fault{"cpus", [](v1::StartInstance& start) { start.set_cpus(257); }},
        Fault{"memory_mib", [](v1::StartInstance& start) { start.set_memory_mib(63); }},
        Fault{"memory_mib", [](v1::StartInstance& start) { start.set_memory_mib(~0U); }},
        Fault{"kernel", [](v1::StartInstance& start) { start.clear_kernel(); }},
        Fault{"kernel",
              [](v1::StartInstance& start) { start.mutable_kernel()->set_size((256ULL << 20U) + 1); }},
        Fault{"head", [](v1::StartInstance& start) { start.mutable_head()->set_size(~0ULL); }},
        Fault{"head", [](v1::StartInstance& start) { start.mutable_head()->set_size(0); }},
        Fault{"initramfs_body",
              [](v1::StartInstance& start) { start.mutable_initramfs_body()->set_size(8ULL << 30U); }},
        Fault{"root_disk",
              [](v1::StartInstance& start) { start.mutable_root_disk()->set_size((1ULL << 40U) + 1); }},
        Fault{"root_disk", [](v1::StartInstance& start) { start.mutable_root_disk()->set_sha512("short"); }},
        Fault{"root_disk", [](v1::StartInstance& start) { start.mutable_root_disk()->set_url(""); }},
        Fault{"root_disk", [](v1::StartInstance& start) { start.mutable_root_disk()->set_url("dir: a"); }},
        Fault{"root_disk",
              [](v1::StartInstance& start) { start.mutable_root_disk()->set_url(std::string(8193, 'x')); }},
        Fault{"reference_event_log",
              [](v1::StartInstance& start) { start.set_reference_event_log(std::string(65537, 'x')); }}));

}  // namespace
}  // namespace sealift::agent
