// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/adapters/workers.h"

#include <fmt/core.h>

#include <algorithm>
#include <thread>

#include "services/orchestrator/domain/zone_for_test.h"

namespace sealift::orchestrator {
namespace {

class WorkersTest : public ZoneForTest {
 protected:
  void create(int launches) {
    for (int i = 0; i < launches; ++i) {
      auto asked = request(v1::KEY_MODEL_BRING, fmt::format("launch-{}", i));
      asked.set_max_active(1000);
      ids_.push_back(customers_.create(asked)->launch_id());
    }
  }
  /// Waits until every launch asked its host; false where that never happens.
  bool all_ask_their_host() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    const auto asks = [this](const auto& id) { return now(id).state() == v1::Launch::STATE_ASKING_HOST; };
    while (!std::ranges::all_of(ids_, asks)) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(milliseconds{1});
    }
    return true;
  }
  std::vector<std::string> ids_;
};

TEST_F(WorkersTest, TakeTheStepsThatWereDueBefore) {
  add_host("alpha", 1U << 20U);
  create(3);
  const Workers workers{steps_, signal_, "replica-1", 8};
  EXPECT_TRUE(all_ask_their_host());
}

TEST_F(WorkersTest, TakeEachStepOnceWhenManyComeTogether) {
  for (int i = 0; i < 20; ++i) add_host(fmt::format("host-{}", i), 4096);
  const Workers workers{steps_, signal_, "replica-1", 4};
  create(40);
  EXPECT_TRUE(all_ask_their_host());
  for (const auto& id : ids_) EXPECT_THAT(happened(id), testing::SizeIs(5)) << "three to create, two to ask";
}

TEST_F(WorkersTest, EndWithNothingToDo) {
  const Workers workers{steps_, signal_, "replica-1", 4};
  std::this_thread::sleep_for(milliseconds{5});
}

}  // namespace
}  // namespace sealift::orchestrator
