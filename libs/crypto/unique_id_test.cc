// SPDX-License-Identifier: Apache-2.0
#include "crypto/unique_id.h"

#include <gmock/gmock.h>

#include <set>

namespace sealift::crypto {
namespace {

constexpr TimePoint kTime{
    std::chrono::milliseconds{0x017F22E279B0}};  // the example of RFC 9562, appendix A.6

TEST(TimeOrderedId, StartsWithTheTimeAndSaysItsVersion) {
  EXPECT_THAT(time_ordered_id(kTime),
              testing::MatchesRegex("017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
}

TEST(TimeOrderedId, OfALaterTimeSortsLater) {
  EXPECT_LT(time_ordered_id(kTime), time_ordered_id(kTime + std::chrono::milliseconds{1}));
}

TEST(TimeOrderedId, IsAnotherEveryTime) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(time_ordered_id(kTime));
  EXPECT_EQ(ids.size(), 1000U);
}

}  // namespace
}  // namespace sealift::crypto
