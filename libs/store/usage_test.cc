// SPDX-License-Identifier: Apache-2.0
/// Which launches ran within a period.
#include <algorithm>

#include "store/conformance_for_test.h"
#include "store/launches_for_test.h"

namespace sealift::store {
namespace {

class Usage : public ConformanceOf<Schema::launches> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    store_ = make_launch_store(database());
  }
  void ran(const std::string& id, std::int64_t started_at_ms, std::int64_t ended_at_ms,
           const std::string& tenant = "acme") {
    ASSERT_THAT(store_->create(new_launch(id, tenant), {}, 1000), Succeeds());
    auto change = change_of(*store_->get_any(id));
    change.record.started_at_ms = started_at_ms;
    change.record.ended_at_ms = ended_at_ms;
    ASSERT_THAT(store_->commit(change), Succeeds());
  }
  std::vector<std::string> between(std::int64_t from_ms, std::int64_t to_ms, int limit = 100) {
    std::vector<std::string> ids;
    std::string after;
    do {
      const auto page = store_->usage("acme", from_ms, to_ms, after, limit);
      EXPECT_THAT(page, Succeeds());
      for (const auto& one : page->launches) ids.push_back(one.launch_id);
      after = page->next;
    } while (!after.empty());
    std::ranges::sort(ids);
    return ids;
  }
  std::unique_ptr<LaunchStore> store_;
};
SEALIFT_CONFORMANCE(Usage);

using Ids = std::vector<std::string>;

TEST_P(Usage, IsOfLaunchesThatRanAtSomeTimeInThePeriod) {
  ran("before", 10, 100);
  ran("into", 90, 101);
  ran("within", 120, 130);
  ran("around", 50, 500);
  ran("out of", 199, 300);
  ran("after", 200, 300);
  ran("still", 150, 0);
  ran("still, later", 200, 0);
  ran("never started", 0, 150);
  ran("of another", 120, 130, "other");
  EXPECT_EQ(between(100, 200), (Ids{"around", "into", "out of", "still", "within"}));
}

TEST_P(Usage, ComesInPagesThatAreTheSameHoweverLargeTheyAre) {
  for (int i = 0; i < 20; ++i) ran("l" + std::to_string(10 + i), 100 + i, i % 3 == 0 ? 0 : 150 + i % 4);
  const auto whole = between(0, 110);
  EXPECT_EQ(whole.size(), 10U);
  for (const int limit : {1, 2, 3, 7, 20}) EXPECT_EQ(between(0, 110, limit), whole) << limit;
}

TEST_P(Usage, RefusesAPlaceThatItDidNotGive) {
  for (const auto* place : {"x", "1", "1x.l1", ".l1", "99999999999999999999.l1"})
    EXPECT_THAT(store_->usage("acme", 0, 1, place, 10), FailsAt(ErrorCode::invalid_argument, "after"))
        << place;
}

}  // namespace
}  // namespace sealift::store
