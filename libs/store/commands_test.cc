// SPDX-License-Identifier: Apache-2.0
#include "store/commands.h"

#include "store/conformance_for_test.h"
#include "store/launches_for_test.h"

namespace sealift::store {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;

class Commands : public ConformanceOf<Schema::launches> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    launches_ = make_launch_store(database());
    commands_ = make_command_store(database());
    ASSERT_THAT(launches_->create(new_launch("l1"), {}, 10), Succeeds());
  }
  void add(const HostCommand& command) {
    auto change = change_of(*launches_->get_any("l1"));
    change.record.due_at_ms = kNeverDue;
    change.commands = {command};
    ASSERT_THAT(launches_->commit(change), Succeeds());
  }
  std::vector<std::string> pending(const std::string& after = "", int limit = 10) {
    std::vector<std::string> ids;
    const auto found = commands_->pending("h1", after, limit);
    EXPECT_THAT(found, Succeeds());
    for (const auto& one : *found) ids.push_back(one.command_id);
    return ids;
  }
  std::unique_ptr<LaunchStore> launches_;
  std::unique_ptr<CommandStore> commands_;
};
SEALIFT_CONFORMANCE(Commands);

using Ids = std::vector<std::string>;

TEST_P(Commands, AreReadBackAsTheyWereAdded) {
  add(new_command("c1", "h1", "l1"));
  const auto read = *commands_->get("c1");
  EXPECT_EQ(read.host_id, "h1");
  EXPECT_EQ(read.launch_id, "l1");
  EXPECT_EQ(read.kind, "evidence");
  EXPECT_EQ(read.payload, Bytes{9});
  EXPECT_FALSE(read.done);
  EXPECT_EQ(read.result, Bytes{});
  EXPECT_EQ(read.created_at_ms, kNow + 2);
  EXPECT_THAT(commands_->get("c2"), FailsWith(ErrorCode::not_found));
}

TEST_P(Commands, ArePendingForTheirHostTheOldestFirst) {
  for (const auto& [id, time] :
       std::vector<std::pair<std::string, int>>{{"b", 2}, {"a", 3}, {"c", 1}, {"d", 2}}) {
    auto command = new_command(id, "h1", "l1");
    command.created_at_ms = time;
    add(command);
  }
  add(new_command("x", "h2", "l1"));
  EXPECT_EQ(pending(), (Ids{"c", "b", "d", "a"}));
  EXPECT_EQ(pending("", 1), (Ids{"c"}));
  EXPECT_EQ(pending("b"), (Ids{"d", "a"}));
  EXPECT_EQ(pending("gone"), (Ids{"c", "b", "d", "a"}));
}

TEST_P(Commands, KeepTheirFirstResult) {
  add(new_command("c1", "h1", "l1"));
  ASSERT_THAT(commands_->complete("c1", "h1", bytes("first"), kNow), Succeeds());
  EXPECT_THAT(commands_->complete("c1", "h1", bytes("second"), kNow), Succeeds());
  EXPECT_TRUE(commands_->get("c1")->done);
  EXPECT_EQ(commands_->get("c1")->result, bytes("first"));
  EXPECT_EQ(pending(), Ids{});
}

TEST_P(Commands, AreCompletedByTheirHostAlone) {
  add(new_command("c1", "h1", "l1"));
  EXPECT_THAT(commands_->complete("c1", "h2", {}, kNow), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(commands_->complete("c2", "h1", {}, kNow), FailsWith(ErrorCode::not_found));
  EXPECT_FALSE(commands_->get("c1")->done);
}

TEST_P(Commands, MakeTheLaunchDueWithTheirFirstResultAlone) {
  add(new_command("c1", "h1", "l1"));
  const auto before = *launches_->get_any("l1");
  ASSERT_THAT(commands_->complete("c1", "h1", {}, kNow + 7), Succeeds());
  EXPECT_EQ(launches_->get_any("l1")->due_at_ms, kNow + 7);
  // Whoever decided something without this result has to look again.
  EXPECT_THAT(launches_->commit(change_of(before)), FailsWith(ErrorCode::conflict));
  const auto after = *launches_->get_any("l1");
  ASSERT_THAT(commands_->complete("c1", "h1", {}, kNow + 9), Succeeds());
  EXPECT_THAT(launches_->commit(change_of(after)), Succeeds());
}

TEST_P(Commands, LeaveALaunchThatEndedAlone) {
  add(new_command("c1", "h1", "l1"));
  auto end = change_of(*launches_->get_any("l1"));
  end.record.ended_at_ms = kNow;
  ASSERT_THAT(launches_->commit(end), Succeeds());
  ASSERT_THAT(commands_->complete("c1", "h1", {}, kNow), Succeeds());
  EXPECT_EQ(launches_->get_any("l1")->due_at_ms, kNeverDue);
}

TEST_P(Commands, ThatAreAddedAgainStayAsTheyAre) {
  add(new_command("c1", "h1", "l1"));
  ASSERT_THAT(commands_->complete("c1", "h1", bytes("done"), kNow), Succeeds());
  add(new_command("c1", "h2", "l1"));
  EXPECT_EQ(commands_->get("c1")->host_id, "h1");
  EXPECT_EQ(commands_->get("c1")->result, bytes("done"));
}

TEST_P(Commands, MayBeAddedAndRemovedWithoutAChangeOfTheLaunch) {
  const auto before = launches_->get_any("l1")->version;
  ASSERT_THAT(commands_->add(new_command("c1", "h1", "l1")), Succeeds());
  EXPECT_THAT(commands_->add(new_command("c1", "h1", "l1")), FailsWith(ErrorCode::already_exists));
  EXPECT_EQ(pending(), (Ids{"c1"}));
  ASSERT_THAT(commands_->remove("c1"), Succeeds());
  EXPECT_THAT(commands_->remove("c1"), Succeeds());
  EXPECT_EQ(pending(), Ids{});
  EXPECT_EQ(launches_->get_any("l1")->version, before);
}

TEST_P(Commands, OfOneLaunchAreRemoved) {
  add(new_command("c1", "h1", "l1"));
  add(new_command("c2", "h1", "other"));
  ASSERT_THAT(commands_->remove_of("l1"), Succeeds());
  EXPECT_EQ(pending(), (Ids{"c2"}));
}

TEST_P(Commands, HaveOneResultWhereManyComplete) {
  add(new_command("c1", "h1", "l1"));
  const auto before = launches_->get_any("l1")->version;
  in_threads(6, [&](int i) {
    EXPECT_THAT(commands_->complete("c1", "h1", {static_cast<std::uint8_t>(i)}, kNow), Succeeds());
  });
  EXPECT_EQ(launches_->get_any("l1")->version, before + 1);
}

}  // namespace
}  // namespace sealift::store
