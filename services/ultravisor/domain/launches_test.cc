// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/domain/launches.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/matchers.h"

namespace sealift::ultravisor {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> names(const Launch::News& news) {
  std::vector<std::string> all;
  for (const auto& reply : news.replies) {
    const auto* const event = std::get_if<Event>(&reply);
    all.emplace_back(event != nullptr ? event->name : std::string{name(std::get<Error>(reply).code)});
  }
  return all;
}

using Names = std::vector<std::string>;

TEST(LaunchesTest, AreFollowedFromAnyPlaceAlsoAfterTheirEnd) {
  Launches launches;
  const auto launch = launches.begin("a").value();
  launch->note("operand_found");
  launch->note("guest_started");
  EXPECT_EQ(names(launch->after(0, 0ms)), (Names{"operand_found", "guest_started"}));
  EXPECT_EQ(names(launch->after(1, 0ms)), (Names{"guest_started"}));
  EXPECT_FALSE(launch->after(2, 0ms).over);
  launches.end("a", Event{"guest_ended", 3});
  const auto news = launches.find("a")->after(0, 1h);
  EXPECT_EQ(names(news), (Names{"operand_found", "guest_started", "guest_ended"}));
  EXPECT_TRUE(news.over);
  EXPECT_EQ(std::get<Event>(news.replies.back()).exit_status, 3);
  EXPECT_EQ(launches.find("b"), nullptr);
}

TEST(LaunchesTest, WakeWhoeverWaitsForTheirNextWord) {
  Launches launches;
  const auto launch = launches.begin("a").value();
  std::jthread other{[&] { launches.end("a", Error{ErrorCode::kernel_differs, "", "", ""}); }};
  EXPECT_EQ(names(launch->after(0, 1h)), (Names{"kernel_differs"}));
}

TEST(LaunchesTest, TakeAnIdOnce) {
  Launches launches;
  EXPECT_THAT(launches.begin("a"), Succeeds());
  EXPECT_THAT(launches.begin("a"), FailsAt(ErrorCode::already_exists, "id"));
  launches.end("a", Event{"guest_ended", 0});
  EXPECT_THAT(launches.begin("a"), FailsAt(ErrorCode::already_exists, "id"));
}

TEST(LaunchesTest, StopTheirGuestAlsoWhereItIsNotThereYet) {
  Launches launches;
  int stopped = 0;
  const auto first = launches.begin("a").value();
  first->started([&] { ++stopped; });
  EXPECT_THAT(launches.stop("a"), Succeeds());
  EXPECT_EQ(stopped, 1);
  const auto second = launches.begin("b").value();
  EXPECT_FALSE(second->is_stopped());
  EXPECT_THAT(launches.stop("b"), Succeeds());
  EXPECT_TRUE(second->is_stopped());
  second->started([&] { ++stopped; });
  EXPECT_EQ(stopped, 2);
}

TEST(LaunchesTest, AreNeverBegunOnceTheyWereStopped) {
  Launches launches;
  EXPECT_THAT(launches.stop("a"), FailsAt(ErrorCode::not_found, "id"));
  EXPECT_THAT(launches.begin("a"), FailsAt(ErrorCode::already_exists, "id"));
  EXPECT_EQ(names(launches.find("a")->after(0, 0ms)), (Names{"canceled"}));
  EXPECT_THAT(launches.stop("a"), FailsAt(ErrorCode::not_found, "id"));
}

TEST(LaunchesTest, AreForgottenOnlyLongAfterTheirEnd) {
  Launches launches;
  EXPECT_THAT(launches.begin("living"), Succeeds());
  for (std::size_t i = 0; i <= Launches::kRemembered; ++i) {
    ASSERT_THAT(launches.begin(std::to_string(i)), Succeeds());
    launches.end(std::to_string(i), Event{"guest_ended", 0});
  }
  EXPECT_EQ(launches.find("0"), nullptr);
  EXPECT_NE(launches.find("1"), nullptr);
  EXPECT_EQ(launches.live(), (Names{"living"}));
}

}  // namespace
}  // namespace sealift::ultravisor
