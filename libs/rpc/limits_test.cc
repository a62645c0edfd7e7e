// SPDX-License-Identifier: Apache-2.0
#include "rpc/limits.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "rpc/workers.h"

namespace sealift::rpc {
namespace {

using namespace std::chrono_literals;

constexpr PeerLimits kLimits{2, 2, 1, 10, 3};
const PeerUse::Time kStart{1h};

TEST(PeerUse, GivesABurstThenTheRate) {
  PeerUse use{kLimits, kStart};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(use.take_token(kStart));
  EXPECT_FALSE(use.take_token(kStart));
  EXPECT_FALSE(use.take_token(kStart + 90ms));
  EXPECT_TRUE(use.take_token(kStart + 110ms));
  EXPECT_FALSE(use.take_token(kStart + 110ms));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(use.take_token(kStart + 1h));
  EXPECT_FALSE(use.take_token(kStart + 1h));
}

TEST(PeerUse, CountsWhatIsEnteredAndLeft) {
  PeerUse use{kLimits, kStart};
  EXPECT_TRUE(use.enter_connection());
  EXPECT_TRUE(use.enter_connection());
  EXPECT_FALSE(use.enter_connection());
  use.leave_connection();
  EXPECT_TRUE(use.enter_connection());
  EXPECT_TRUE(use.enter_stream());
  EXPECT_FALSE(use.enter_stream());
  EXPECT_TRUE(use.enter_call());
  EXPECT_FALSE(use.is_idle(kStart));
}

TEST(PeerTable, RemembersAPeerThatReturns) {
  PeerTable table{{{Role::tenant, kLimits}}};
  const Identity acme{"d", Role::tenant, "acme"};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(table.find(acme, kStart)->take_token(kStart));
  // Many others pass by meanwhile.
  for (int i = 0; i < 5000; ++i) table.find({"d", Role::tenant, "t" + std::to_string(i)}, kStart);
  EXPECT_FALSE(table.find(acme, kStart)->take_token(kStart));
  EXPECT_TRUE(table.find({"d", Role::tenant, "other"}, kStart)->take_token(kStart));
}

TEST(Workers, RefuseWhatDoesNotFit) {
  std::latch go{1};
  std::atomic<int> done = 0;
  int accepted = 0;
  {
    Workers workers{2, 3};
    // Two run, three wait; how many of the first have been taken already is the scheduler's choice.
    for (int i = 0; i < 10; ++i) {
      accepted += workers.submit([&] {
        go.wait();
        ++done;
      });
    }
    EXPECT_GE(accepted, 3);
    EXPECT_LE(accepted, 5);
    go.count_down();
  }
  EXPECT_LE(done, accepted);
}

}  // namespace
}  // namespace sealift::rpc
