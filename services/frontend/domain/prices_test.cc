// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/prices.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace sealift::frontend {
namespace {

Prices prices(std::uint64_t cpu, std::uint64_t gib) {
  Prices made;
  made.cpu_micros = cpu;
  made.gib_micros = gib;
  return made;
}

TEST(Prices, AreOfCpusAndMemoryTogether) {
  EXPECT_EQ(price_of(prices(10, 3), 2, 4096), 2 * 10 + 4 * 3U);
  EXPECT_EQ(price_of(prices(0, 0), 2, 4096), 0U);
}

TEST(Prices, RoundUpWhatIsNotAWholeGib) {
  EXPECT_EQ(price_of(prices(0, 3), 1, 1), 1U);
  EXPECT_EQ(price_of(prices(0, 1024), 1, 1), 1U);
  EXPECT_EQ(price_of(prices(0, 1000), 1, 512), 500U);
}

TEST(Prices, OfTheLargestMachineAtTheHighestPriceAreExact) {
  const auto most = prices(kMaxUnitMicros, kMaxUnitMicros);
  ASSERT_THAT(check_prices(most), Succeeds());
  EXPECT_EQ(price_of(most, kMaxCpus, kMaxMemoryMib), kMaxUnitMicros * (kMaxCpus + kMaxMemoryMib / 1024U));
}

TEST(Prices, ThatMakeNoSenseAreRefused) {
  EXPECT_THAT(check_prices(prices(kMaxUnitMicros + 1, 0)), FailsAt(ErrorCode::invalid_argument, "price-cpu"));
  EXPECT_THAT(check_prices(prices(0, kMaxUnitMicros + 1)), FailsAt(ErrorCode::invalid_argument, "price-gib"));
  auto unknown = prices(1, 1);
  for (const auto* currency : {"", "eur", "EURO", "EU1"}) {
    unknown.currency = currency;
    EXPECT_THAT(check_prices(unknown), FailsAt(ErrorCode::invalid_argument, "price-currency"));
  }
  auto never = prices(1, 1);
  never.validity = std::chrono::seconds{0};
  EXPECT_THAT(check_prices(never), FailsAt(ErrorCode::invalid_argument, "quote-validity"));
}

}  // namespace
}  // namespace sealift::frontend
