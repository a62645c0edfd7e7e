// SPDX-License-Identifier: Apache-2.0
/// Room on hosts, as launches take it and give it back.
#include "store/conformance_for_test.h"
#include "store/launches_for_test.h"

namespace sealift::store {
namespace {

class Reservations : public ConformanceOf<Schema::launches> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    launches_ = make_launch_store(database());
    hosts_ = make_host_store(database());
    ASSERT_THAT(hosts_->register_host(new_host("h1")), Succeeds());
    ASSERT_THAT(hosts_->register_host(new_host("h2")), Succeeds());
  }
  /// A change of the launch `id`, which is made where it is not there.
  LaunchChange change(const std::string& id) {
    if (!launches_->get_any(id)) {
      EXPECT_THAT(launches_->create(new_launch(id), {}, 1000), Succeeds());
    }
    return change_of(*launches_->get_any(id));
  }
  Status reserve(const std::string& id, const std::string& host_id, std::int64_t memory_mib) {
    auto wanted = change(id);
    wanted.reserve = Reservation{host_id, 1, memory_mib};
    SEALIFT_CHECK(launches_->commit(wanted));
    return {};
  }
  Status release(const std::string& id) {
    auto wanted = change(id);
    wanted.release = true;
    SEALIFT_CHECK(launches_->commit(wanted));
    return {};
  }
  std::pair<std::int64_t, std::int64_t> free(const std::string& host_id) {
    const auto host = *hosts_->get(host_id);
    return {host.free_cpus, host.free_memory_mib};
  }
  std::unique_ptr<LaunchStore> launches_;
  std::unique_ptr<HostStore> hosts_;
};
SEALIFT_CONFORMANCE(Reservations);

using Free = std::pair<std::int64_t, std::int64_t>;

TEST_P(Reservations, TakeAndGiveBackRoom) {
  ASSERT_THAT(reserve("l1", "h1", 3000), Succeeds());
  EXPECT_EQ(free("h1"), (Free{7, 5192}));
  ASSERT_THAT(release("l1"), Succeeds());
  EXPECT_EQ(free("h1"), (Free{8, 8192}));
}

TEST_P(Reservations, CountOnceHoweverOftenTheyAreMadeAndReleased) {
  ASSERT_THAT(reserve("l1", "h1", 3000), Succeeds());
  ASSERT_THAT(reserve("l1", "h1", 3000), Succeeds());
  EXPECT_EQ(free("h1"), (Free{7, 5192}));
  ASSERT_THAT(release("l1"), Succeeds());
  ASSERT_THAT(release("l1"), Succeeds());
  EXPECT_EQ(free("h1"), (Free{8, 8192}));
}

TEST_P(Reservations, AreRefusedWhereThereIsNoRoomAndNothingOfTheChangeIsKept) {
  ASSERT_THAT(reserve("l1", "h1", 8000), Succeeds());
  auto wanted = change("l2");
  wanted.record.state = "asking_host";
  wanted.events = {new_event("target_selected")};
  wanted.commands = {new_command("c1", "h1", "l2")};
  wanted.reserve = Reservation{"h1", 1, 193};
  EXPECT_THAT(launches_->commit(wanted), FailsWith(ErrorCode::resource_exhausted));
  EXPECT_EQ(launches_->get_any("l2")->state, "requested");
  EXPECT_TRUE(launches_->events("l2", 0, 10)->empty());
  EXPECT_THAT(make_command_store(database())->get("c1"), FailsWith(ErrorCode::not_found));
  EXPECT_EQ(free("h1"), (Free{7, 192}));
  EXPECT_THAT(reserve("l2", "h1", 192), Succeeds());
}

TEST_P(Reservations, AreRefusedOnAHostThatDrainsOrThatNobodyKnows) {
  ASSERT_THAT(hosts_->set_draining("h1", true), Succeeds());
  EXPECT_THAT(reserve("l1", "h1", 1), FailsWith(ErrorCode::resource_exhausted));
  EXPECT_THAT(reserve("l1", "h9", 1), FailsWith(ErrorCode::resource_exhausted));
}

TEST_P(Reservations, MoveToAnotherHostInOneChange) {
  ASSERT_THAT(reserve("l1", "h1", 1000), Succeeds());
  EXPECT_THAT(reserve("l1", "h2", 1000), FailsWith(ErrorCode::conflict));
  auto move = change("l1");
  move.release = true;
  move.reserve = Reservation{"h2", 2, 1000};
  ASSERT_THAT(launches_->commit(move), Succeeds());
  EXPECT_EQ(free("h1"), (Free{8, 8192}));
  EXPECT_EQ(free("h2"), (Free{6, 7192}));
}

TEST_P(Reservations, StayWhenTheHostRegistersAgainWithAnotherSize) {
  ASSERT_THAT(reserve("l1", "h1", 3000), Succeeds());
  auto smaller = new_host("h1");
  smaller.cpus = 4;
  smaller.memory_mib = 2000;
  EXPECT_THAT(hosts_->register_host(smaller), Succeeds());
  EXPECT_EQ(free("h1"), (Free{3, -1000}));
  ASSERT_THAT(release("l1"), Succeeds());
  EXPECT_EQ(free("h1"), (Free{4, 2000}));
}

TEST_P(Reservations, NeverTakeMoreThanThereIsWhereManyTry) {
  for (int i = 0; i < 12; ++i) static_cast<void>(change("l" + std::to_string(i)));
  std::atomic<int> got = 0;
  std::atomic<int> refused = 0;
  in_threads(12, [&](int i) {
    const auto reserved = reserve("l" + std::to_string(i), "h1", 2000);
    if (reserved) ++got;
    if (!reserved && reserved.error().code == ErrorCode::resource_exhausted) ++refused;
  });
  EXPECT_EQ(got, 4);
  EXPECT_EQ(refused, 8);
  EXPECT_EQ(free("h1"), (Free{4, 192}));
}

TEST_P(Reservations, ThatCrossEachOtherAllSucceed) {
  for (int i = 0; i < 6; ++i)
    ASSERT_THAT(reserve("l" + std::to_string(i), i % 2 == 0 ? "h1" : "h2", 100), Succeeds());
  // Moving in opposite directions locks the two hosts in opposite orders.
  in_threads(6, [&](int i) {
    for (int round = 0; round < 10; ++round) {
      auto move = change("l" + std::to_string(i));
      move.release = true;
      move.reserve = Reservation{(i + round) % 2 == 0 ? "h2" : "h1", 1, 100};
      EXPECT_THAT(launches_->commit(move), Succeeds());
    }
  });
  EXPECT_EQ(free("h1"), (Free{5, 7892}));
  EXPECT_EQ(free("h2"), (Free{5, 7892}));
}

}  // namespace
}  // namespace sealift::store
