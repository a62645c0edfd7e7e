// SPDX-License-Identifier: Apache-2.0
/// Which launches are due, and who works on them.
#include <set>

#include "store/conformance_for_test.h"
#include "store/launches_for_test.h"

namespace sealift::store {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;
constexpr std::int64_t kLease = 15'000;

class Leases : public ConformanceOf<Schema::launches> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    store_ = make_launch_store(database());
  }
  void create(const std::string& id, std::int64_t due_at_ms) {
    auto record = new_launch(id);
    record.due_at_ms = due_at_ms;
    ASSERT_THAT(store_->create(record, {}, 10'000), Succeeds());
  }
  std::set<std::string> claim(const std::string& owner, std::int64_t now_ms, int limit = 10) {
    const auto claimed = store_->claim(owner, now_ms, kLease, limit);
    EXPECT_THAT(claimed, Succeeds());
    std::set<std::string> ids;
    for (const auto& one : *claimed) ids.insert(one.launch_id);
    return ids;
  }
  std::unique_ptr<LaunchStore> store_;
};
SEALIFT_CONFORMANCE(Leases);

using Ids = std::set<std::string>;

TEST_P(Leases, AreGivenForWhatIsDueTheLongestDueFirst) {
  create("later", kNow + 1);
  create("second", kNow - 1);
  create("first", kNow - 2);
  create("third", kNow);
  create("never", kNeverDue);
  EXPECT_EQ(claim("a", kNow, 2), (Ids{"first", "second"}));
  EXPECT_EQ(claim("a", kNow), (Ids{"third"}));
  EXPECT_EQ(claim("a", kNow), Ids{});
  EXPECT_EQ(claim("a", kNow + 1), (Ids{"later"}));
}

TEST_P(Leases, SayWhoseTheLaunchIsAndGiveItANewVersion) {
  create("l1", kNow);
  const auto claimed = *store_->claim("a", kNow, kLease, 1);
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].lease_owner, "a");
  EXPECT_EQ(claimed[0].lease_until_ms, kNow + kLease);
  EXPECT_EQ(claimed[0].version, 2);
  EXPECT_EQ(claimed[0].labels, (Labels{{"disk", "nvme"}}));
}

TEST_P(Leases, PassToAnotherWhenTheyEndAndTheFirstCanCommitNoMore) {
  create("l1", kNow);
  const auto first = store_->claim("a", kNow, kLease, 1)->front();
  EXPECT_EQ(claim("b", kNow + kLease - 1), Ids{});
  EXPECT_EQ(claim("b", kNow + kLease), (Ids{"l1"}));
  EXPECT_THAT(store_->commit(change_of(first)), FailsWith(ErrorCode::conflict));
  EXPECT_THAT(store_->renew("l1", "a", kNow + kLease, kLease), FailsWith(ErrorCode::conflict));
}

TEST_P(Leases, AreRenewedByTheirOwner) {
  create("l1", kNow);
  const auto mine = store_->claim("a", kNow, kLease, 1)->front();
  ASSERT_THAT(store_->renew("l1", "a", kNow + 10'000, kLease), Succeeds());
  EXPECT_EQ(claim("b", kNow + kLease), Ids{});
  EXPECT_THAT(store_->commit(change_of(mine)), Succeeds());
  EXPECT_THAT(store_->renew("l2", "a", kNow, kLease), FailsWith(ErrorCode::conflict));
}

TEST_P(Leases, AreGivenBackWithACommit) {
  create("l1", kNow);
  auto change = change_of(store_->claim("a", kNow, kLease, 1)->front());
  change.record.lease_owner = "";
  change.record.lease_until_ms = 0;
  change.record.due_at_ms = kNow + 10;
  ASSERT_THAT(store_->commit(change), Succeeds());
  EXPECT_EQ(claim("b", kNow + 9), Ids{});
  EXPECT_EQ(claim("b", kNow + 10), (Ids{"l1"}));
}

TEST_P(Leases, GiveEachLaunchToOneOfManyWorkers) {
  constexpr int kLaunches = 60;
  for (int i = 0; i < kLaunches; ++i) create("l" + std::to_string(100 + i), kNow - i % 7);
  std::atomic<int> given = 0;
  std::mutex mutex;
  Ids all;
  in_threads(6, [&](int worker) {
    // Others may hold what is left for a moment: only all of them together are done.
    while (given < kLaunches) {
      const auto mine = claim("w" + std::to_string(worker), kNow, 3);
      given += static_cast<int>(mine.size());
      const std::scoped_lock lock{mutex};
      all.insert(mine.begin(), mine.end());
    }
  });
  EXPECT_EQ(given, kLaunches);
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kLaunches));
}

}  // namespace
}  // namespace sealift::store
