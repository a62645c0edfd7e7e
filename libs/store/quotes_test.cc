// SPDX-License-Identifier: Apache-2.0
#include "store/quotes.h"

#include "store/conformance_for_test.h"

namespace sealift::store {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;

QuoteRecord quote(const std::string& id) {
  QuoteRecord record;
  record.tenant = "acme";
  record.quote_id = id;
  record.image_id = "i1";
  record.cpus = 2;
  record.memory_mib = 4096;
  record.price_micros_per_second = 12'345;
  record.currency = "EUR";
  record.created_at = kNow;
  record.expires_at = kNow + 600;
  return record;
}

class Quotes : public ConformanceOf<Schema::images> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    store_ = make_quote_store(database());
  }
  std::unique_ptr<QuoteStore> store_;
};
SEALIFT_CONFORMANCE(Quotes);

TEST_P(Quotes, AreReadBackAsTheyWereCreated) {
  ASSERT_THAT(store_->create(quote("q1")), Succeeds());
  EXPECT_THAT(store_->create(quote("q1")), FailsWith(ErrorCode::already_exists));
  const auto read = *store_->get("acme", "q1");
  EXPECT_EQ(read.image_id, "i1");
  EXPECT_EQ(read.cpus, 2);
  EXPECT_EQ(read.memory_mib, 4096);
  EXPECT_EQ(read.price_micros_per_second, 12'345);
  EXPECT_EQ(read.currency, "EUR");
  EXPECT_EQ(read.expires_at, kNow + 600);
  EXPECT_EQ(read.consent, "");
  EXPECT_EQ(read.launch_id, "");
  EXPECT_THAT(store_->get("other", "q1"), FailsWith(ErrorCode::not_found));
}

TEST_P(Quotes, AreUsedUpByOneRequest) {
  ASSERT_THAT(store_->create(quote("q1")), Succeeds());
  const auto used = store_->consent("acme", "q1", "r1", kNow);
  ASSERT_THAT(used, Succeeds());
  EXPECT_EQ(used->consent, "r1");
  EXPECT_EQ(used->launch_id, "");
  EXPECT_EQ(used->price_micros_per_second, 12'345);
  EXPECT_THAT(store_->consent("acme", "q1", "r2", kNow), FailsWith(ErrorCode::conflict));
  EXPECT_THAT(store_->consent("other", "q1", "r1", kNow), FailsWith(ErrorCode::not_found));
}

TEST_P(Quotes, AreGoodAgainForTheRequestThatUsedThemEvenWhenTheyExpired) {
  ASSERT_THAT(store_->create(quote("q1")), Succeeds());
  ASSERT_THAT(store_->consent("acme", "q1", "r1", kNow), Succeeds());
  EXPECT_THAT(store_->consent("acme", "q1", "r1", kNow + 601), Succeeds());
}

TEST_P(Quotes, AreNoGoodFromTheSecondTheyExpire) {
  ASSERT_THAT(store_->create(quote("q1")), Succeeds());
  EXPECT_THAT(store_->consent("acme", "q1", "r1", kNow + 600), FailsWith(ErrorCode::quote_expired));
  EXPECT_THAT(store_->consent("acme", "q1", "r1", kNow + 599), Succeeds());
}

TEST_P(Quotes, AreUsedUpOnceWhereManyTry) {
  ASSERT_THAT(store_->create(quote("q1")), Succeeds());
  std::atomic<int> won = 0;
  in_threads(8, [&](int i) {
    if (store_->consent("acme", "q1", "r" + std::to_string(i), kNow)) ++won;
  });
  EXPECT_EQ(won, 1);
}

TEST_P(Quotes, RememberTheLaunchThatCameOfThem) {
  ASSERT_THAT(store_->create(quote("q1")), Succeeds());
  EXPECT_THAT(store_->bind("acme", "q1", "r1", "l1"), FailsWith(ErrorCode::conflict));
  ASSERT_THAT(store_->consent("acme", "q1", "r1", kNow), Succeeds());
  EXPECT_THAT(store_->bind("acme", "q1", "r2", "l1"), FailsWith(ErrorCode::conflict));
  EXPECT_THAT(store_->bind("other", "q1", "r1", "l1"), FailsWith(ErrorCode::conflict));
  EXPECT_THAT(store_->bind("acme", "q1", "r1", "l1"), Succeeds());
  EXPECT_THAT(store_->bind("acme", "q1", "r1", "l1"), Succeeds());
  EXPECT_THAT(store_->bind("acme", "q1", "r1", "l2"), FailsWith(ErrorCode::conflict));
  EXPECT_EQ(store_->get("acme", "q1")->launch_id, "l1");
}

TEST_P(Quotes, ThatExpiredUnusedAreDropped) {
  for (const auto* id : {"q1", "q2", "q3"}) ASSERT_THAT(store_->create(quote(id)), Succeeds());
  ASSERT_THAT(store_->consent("acme", "q2", "r1", kNow), Succeeds());
  EXPECT_EQ(*store_->drop_expired(kNow + 599, 10), 0);
  EXPECT_EQ(*store_->drop_expired(kNow + 600, 1), 1);
  EXPECT_EQ(*store_->drop_expired(kNow + 600, 10), 1);
  EXPECT_THAT(store_->get("acme", "q2"), Succeeds());
}

}  // namespace
}  // namespace sealift::store
