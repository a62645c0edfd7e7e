// SPDX-License-Identifier: Apache-2.0
#include "store/launches.h"

#include <set>

#include "store/conformance_for_test.h"
#include "store/launches_for_test.h"

namespace sealift::store {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;
constexpr std::int64_t kMany = 1000;

class Launches : public ConformanceOf<Schema::launches> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    store_ = make_launch_store(database());
  }
  LaunchRecord create(const LaunchRecord& record) {
    const auto made = store_->create(record, {}, kMany);
    EXPECT_THAT(made, Succeeds());
    return made->record;
  }
  std::unique_ptr<LaunchStore> store_;
};
SEALIFT_CONFORMANCE(Launches);

TEST_P(Launches, AreReadBackAsTheyWereCreated) {
  auto record = new_launch("l1");
  record.excluded_hosts = {"h7", ""};
  record.document = {0, 255};
  record.exit_status = -9;
  record.refusal_field = "x";
  record.refusal_expected = "aa";
  record.refusal_found = "bb";
  const auto made = store_->create(record, {new_event("instance_requested")}, 10);
  ASSERT_THAT(made, Succeeds());
  EXPECT_TRUE(made->created);
  const auto read = *store_->get("acme", "l1");
  EXPECT_EQ(read.launch_id, "l1");
  EXPECT_EQ(read.tenant, "acme");
  EXPECT_EQ(read.idempotency_key, "key-l1");
  EXPECT_EQ(read.request_digest, (Bytes{1, 2, 3}));
  EXPECT_EQ(read.image_id, "i1");
  EXPECT_EQ(read.key_model, "keep");
  EXPECT_EQ(read.tee, "measured");
  EXPECT_EQ(read.arch, "x86_64");
  EXPECT_EQ(read.zone, "z1");
  EXPECT_EQ(read.labels, (Labels{{"disk", "nvme"}}));
  EXPECT_EQ(read.cpus, 2);
  EXPECT_EQ(read.memory_mib, 1024);
  EXPECT_EQ(read.created_at_ms, kNow);
  EXPECT_EQ(read.state, "requested");
  EXPECT_EQ(read.attempt, 0);
  EXPECT_EQ(read.host_id, "");
  EXPECT_EQ(read.excluded_hosts, (std::vector<std::string>{"h7", ""}));
  EXPECT_EQ(read.document, (Bytes{0, 255}));
  EXPECT_EQ(read.lease_owner, "");
  EXPECT_EQ(read.due_at_ms, kNow);
  EXPECT_EQ(read.started_at_ms, 0);
  EXPECT_EQ(read.ended_at_ms, 0);
  EXPECT_EQ(read.exit_status, -9);
  EXPECT_EQ(read.refusal_field, "x");
  EXPECT_EQ(read.refusal_expected, "aa");
  EXPECT_EQ(read.refusal_found, "bb");
  EXPECT_EQ(read.version, 1);
  EXPECT_EQ(made->record.version, 1);
}

TEST_P(Launches, AreSeenByTheirTenantAlone) {
  create(new_launch("l1"));
  EXPECT_THAT(store_->get("other", "l1"), FailsWith(ErrorCode::not_found));
  EXPECT_TRUE(store_->list("other", "", 10)->empty());
  EXPECT_THAT(store_->get_any("l1"), Succeeds());
  EXPECT_THAT(store_->get_any("l2"), FailsWith(ErrorCode::not_found));
}

TEST_P(Launches, WithTheSameKeyAndRequestAreOne) {
  create(new_launch("l1"));
  auto again = new_launch("l2");
  again.idempotency_key = "key-l1";
  const auto second = store_->create(again, {new_event("x")}, 1);
  ASSERT_THAT(second, Succeeds());
  EXPECT_FALSE(second->created);
  EXPECT_EQ(second->record.launch_id, "l1");
  EXPECT_TRUE(store_->events("l1", 0, 10)->empty());
  again.request_digest = {4};
  EXPECT_THAT(store_->create(again, {}, kMany), FailsAt(ErrorCode::conflict, "idempotency_key"));
  again.tenant = "other";
  EXPECT_TRUE(store_->create(again, {}, kMany)->created);
}

TEST_P(Launches, WithTheIdOfAnotherAreRefused) {
  create(new_launch("l1"));
  auto other = new_launch("l1", "other");
  EXPECT_THAT(store_->create(other, {}, kMany), FailsWith(ErrorCode::already_exists));
}

TEST_P(Launches, WithOneKeyAreOneEvenWhereManyCreateThem) {
  std::atomic<int> created = 0;
  std::mutex mutex;
  std::set<std::string> given;
  in_threads(8, [&](int i) {
    auto mine = new_launch("l" + std::to_string(i));
    mine.idempotency_key = "same";
    const auto made = store_->create(mine, {new_event("requested")}, 1);
    ASSERT_THAT(made, Succeeds());
    if (made->created) ++created;
    const std::scoped_lock lock{mutex};
    given.insert(made->record.launch_id);
  });
  EXPECT_EQ(created, 1);
  EXPECT_EQ(given.size(), 1U);
}

TEST_P(Launches, AreNotMoreThanTheTenantMayHaveAtATime) {
  create(new_launch("l1"));
  EXPECT_THAT(store_->create(new_launch("l2"), {}, 1), FailsWith(ErrorCode::resource_exhausted));
  EXPECT_THAT(store_->get_any("l2"), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(store_->create(new_launch("l3", "other"), {}, 1), Succeeds());
  EXPECT_THAT(store_->create(new_launch("l4", "nobody"), {}, 0), FailsWith(ErrorCode::resource_exhausted));
  auto change = change_of(*store_->get_any("l1"));
  change.record.ended_at_ms = kNow;
  ASSERT_THAT(store_->commit(change), Succeeds());
  EXPECT_THAT(store_->create(new_launch("l2"), {}, 1), Succeeds());
}

TEST_P(Launches, AreNotMoreThanTheTenantMayHaveEvenWhereManyCreateThem) {
  std::atomic<int> created = 0;
  std::atomic<int> refused = 0;
  in_threads(12, [&](int i) {
    const auto made = store_->create(new_launch("l" + std::to_string(i)), {}, 5);
    if (made) ++created;
    if (!made && made.error().code == ErrorCode::resource_exhausted) ++refused;
  });
  EXPECT_EQ(created, 5);
  EXPECT_EQ(refused, 7);
}

TEST_P(Launches, AreListedInPages) {
  for (const auto* id : {"l2", "l1", "l3"}) create(new_launch(id));
  create(new_launch("l0", "other"));
  const auto page = *store_->list("acme", "l1", 1);
  ASSERT_EQ(page.size(), 1U);
  EXPECT_EQ(page[0].launch_id, "l2");
}

TEST_P(Launches, AreCommittedWithTheirEventsNumberedWithoutGap) {
  ASSERT_THAT(store_->create(new_launch("l1"), {new_event("a"), new_event("b")}, kMany), Succeeds());
  auto change = change_of(*store_->get_any("l1"));
  change.record.state = "asking_host";
  change.record.attempt = 1;
  change.record.document = bytes("doc");
  change.record.due_at_ms = kNow + 5;
  auto refused = new_event("c");
  refused.verdict = "refused";
  refused.code = "pcr_differs";
  refused.field = "pcr 6";
  refused.message = "differs";
  refused.expected = "aa";
  refused.found = "bb";
  refused.host_id = "h1";
  change.events = {refused, new_event("d")};
  EXPECT_EQ(*store_->commit(change), 2);

  const auto read = *store_->get_any("l1");
  EXPECT_EQ(read.state, "asking_host");
  EXPECT_EQ(read.attempt, 1);
  EXPECT_EQ(read.document, bytes("doc"));
  EXPECT_EQ(read.due_at_ms, kNow + 5);
  EXPECT_EQ(read.version, 2);
  const auto events = *store_->events("l1", 1, 10);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].seq, 2);
  EXPECT_EQ(events[0].name, "b");
  EXPECT_EQ(events[1].launch_id, "l1");
  EXPECT_EQ(events[1].seq, 3);
  EXPECT_EQ(events[1].time_ms, kNow + 1);
  EXPECT_EQ(events[1].step, "324");
  EXPECT_EQ(events[1].actor, "orchestrator");
  EXPECT_EQ(events[1].verdict, "refused");
  EXPECT_EQ(events[1].code, "pcr_differs");
  EXPECT_EQ(events[1].field, "pcr 6");
  EXPECT_EQ(events[1].message, "differs");
  EXPECT_EQ(events[1].expected, "aa");
  EXPECT_EQ(events[1].found, "bb");
  EXPECT_EQ(events[1].host_id, "h1");
  EXPECT_EQ(events[2].seq, 4);
  EXPECT_EQ(store_->events("l1", 0, 2)->size(), 2U);
}

TEST_P(Launches, KeepWhatTheyWereCreatedWith) {
  auto record = create(new_launch("l1"));
  record.tenant = "other";
  record.image_id = "i2";
  record.cpus = 64;
  ASSERT_THAT(store_->commit(change_of(record)), Succeeds());
  const auto read = *store_->get("acme", "l1");
  EXPECT_EQ(read.image_id, "i1");
  EXPECT_EQ(read.cpus, 2);
}

TEST_P(Launches, AreNotChangedByWhoSawAnOlderVersion) {
  const auto record = create(new_launch("l1"));
  auto change = change_of(record);
  change.events = {new_event("a")};
  change.commands = {new_command("c1", "h1", "l1")};
  ASSERT_THAT(store_->commit(change), Succeeds());
  change.commands = {new_command("c2", "h1", "l1")};
  EXPECT_THAT(store_->commit(change), FailsAt(ErrorCode::conflict, "version"));
  EXPECT_EQ(store_->events("l1", 0, 10)->size(), 1U);
  EXPECT_THAT(make_command_store(database())->get("c2"), FailsWith(ErrorCode::not_found));
  change.record.launch_id = "l2";
  EXPECT_THAT(store_->commit(change), FailsWith(ErrorCode::not_found));
}

TEST_P(Launches, ThatEndedStayEnded) {
  auto change = change_of(create(new_launch("l1")));
  change.record.ended_at_ms = kNow;
  ASSERT_THAT(store_->commit(change), Succeeds());
  change.expected_version = 2;
  change.record.ended_at_ms = 0;
  EXPECT_THAT(store_->commit(change), FailsWith(ErrorCode::internal));
  change.record.ended_at_ms = kNow;
  EXPECT_THAT(store_->commit(change), Succeeds());
}

TEST_P(Launches, HaveOneWinnerWhereManyCommitTheSameVersion) {
  const auto record = create(new_launch("l1"));
  std::atomic<int> won = 0;
  std::atomic<int> lost = 0;
  in_threads(8, [&](int) {
    auto change = change_of(record);
    change.events = {new_event("mine")};
    const auto committed = store_->commit(change);
    if (committed) ++won;
    if (!committed && committed.error().code == ErrorCode::conflict) ++lost;
  });
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 7);
  EXPECT_EQ(store_->events("l1", 0, 10)->size(), 1U);
}

TEST_P(Launches, OnAHostAreFoundUntilTheyEnd) {
  for (const auto* id : {"l1", "l2", "l3"}) {
    auto change = change_of(create(new_launch(id)));
    change.record.host_id = "h1";
    ASSERT_THAT(store_->commit(change), Succeeds());
  }
  EXPECT_EQ(store_->active("h1", "", 10)->size(), 3U);
  auto change = change_of(*store_->get_any("l2"));
  change.record.ended_at_ms = kNow;
  ASSERT_THAT(store_->commit(change), Succeeds());
  const auto active = *store_->active("h1", "l1", 10);
  ASSERT_EQ(active.size(), 1U);
  EXPECT_EQ(active[0].launch_id, "l3");
  EXPECT_TRUE(store_->active("h2", "", 10)->empty());
}

}  // namespace
}  // namespace sealift::store
