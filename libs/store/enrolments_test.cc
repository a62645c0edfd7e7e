// SPDX-License-Identifier: Apache-2.0
#include "store/enrolments.h"

#include "store/conformance_for_test.h"

namespace sealift::store {
namespace {

EnrolmentRecord enrolment(const Bytes& name, std::uint8_t hardware = 1) {
  EnrolmentRecord record;
  record.tenant = "acme";
  record.storage_key_name = name;
  record.hardware_key_hash = Bytes(32, hardware);
  record.document = {0, 1, 2};
  record.enrolled_at = 1000;
  return record;
}

class Enrolments : public ConformanceOf<Schema::keys> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    store_ = make_enrolment_store(database());
  }
  std::unique_ptr<EnrolmentStore> store_;
};
SEALIFT_CONFORMANCE(Enrolments);

TEST_P(Enrolments, AreReadBackAsTheyWerePutTheLastCounts) {
  ASSERT_THAT(store_->put(enrolment({0, 11})), Succeeds());
  auto again = enrolment({0, 11}, 2);
  again.document = {};
  again.enrolled_at = 2000;
  ASSERT_THAT(store_->put(again), Succeeds());
  const auto read = *store_->get("acme", {0, 11});
  EXPECT_EQ(read.hardware_key_hash, Bytes(32, 2));
  EXPECT_EQ(read.document, Bytes{});
  EXPECT_EQ(read.enrolled_at, 2000);
  EXPECT_THAT(store_->get("other", {0, 11}), FailsWith(ErrorCode::not_found));
}

TEST_P(Enrolments, AreListedInTheOrderOfBytes) {
  for (const auto& name : {Bytes{1}, Bytes{0, 255}, Bytes{255}, Bytes{1, 0}})
    ASSERT_THAT(store_->put(enrolment(name)), Succeeds());
  std::vector<Bytes> seen;
  Bytes after;
  for (auto page = store_->list("acme", after, 2); !page->empty(); page = store_->list("acme", after, 2)) {
    for (const auto& one : *page) seen.push_back(one.storage_key_name);
    after = seen.back();
  }
  EXPECT_EQ(seen, (std::vector<Bytes>{{0, 255}, {1}, {1, 0}, {255}}));
}

TEST_P(Enrolments, AreRemovedOneByOneOrWithTheirHardware) {
  for (std::uint8_t i = 0; i < 5; ++i) ASSERT_THAT(store_->put(enrolment({i}, i < 3 ? 1 : 2)), Succeeds());
  EXPECT_THAT(store_->remove("acme", {4}), Succeeds());
  EXPECT_THAT(store_->remove("acme", {4}), Succeeds());
  EXPECT_EQ(*store_->remove_of_hardware("other", Bytes(32, 1), 10), 0);
  EXPECT_EQ(*store_->remove_of_hardware("acme", Bytes(32, 1), 2), 2);
  EXPECT_EQ(*store_->remove_of_hardware("acme", Bytes(32, 1), 2), 1);
  ASSERT_EQ(store_->list("acme", {}, 10)->size(), 1U);
  EXPECT_THAT(store_->get("acme", {3}), Succeeds());
}

TEST_P(Enrolments, OfManyThreadsAreAllThereWhenTheDatabaseIsOpenedAgain) {
  constexpr int kThreads = 16;
  constexpr int kEach = 20;
  in_threads(kThreads, [&](int thread) {
    for (int i = 0; i < kEach; ++i) {
      const Bytes name{static_cast<std::uint8_t>(thread), static_cast<std::uint8_t>(i)};
      ASSERT_THAT(store_->put(enrolment(name)), Succeeds());
      // Who was told that it is stored reads it back.
      EXPECT_THAT(store_->get("acme", name), Succeeds());
    }
  });
  const auto opened = open(Schema::keys);
  EXPECT_EQ(make_enrolment_store(*opened)->list("acme", {}, 1000)->size(), std::size_t{kThreads * kEach});
}

ChallengeRecord challenge(const std::string& id, std::int64_t expires_at = 2000) {
  ChallengeRecord record;
  record.tenant = "acme";
  record.challenge_id = id;
  record.document = {5, 0};
  record.expires_at = expires_at;
  return record;
}

class Challenges : public ConformanceOf<Schema::keys> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    store_ = make_challenge_store(database());
  }
  std::unique_ptr<ChallengeStore> store_;
};
SEALIFT_CONFORMANCE(Challenges);

TEST_P(Challenges, AreTakenOnceByTheirTenant) {
  ASSERT_THAT(store_->put(challenge("c1")), Succeeds());
  EXPECT_THAT(store_->put(challenge("c1")), FailsWith(ErrorCode::already_exists));
  EXPECT_THAT(store_->take("other", "c1"), FailsWith(ErrorCode::not_found));
  const auto taken = store_->take("acme", "c1");
  ASSERT_THAT(taken, Succeeds());
  EXPECT_EQ(taken->document, (Bytes{5, 0}));
  EXPECT_EQ(taken->expires_at, 2000);
  EXPECT_THAT(store_->take("acme", "c1"), FailsWith(ErrorCode::not_found));
}

TEST_P(Challenges, AreTakenOnceWhereManyTry) {
  ASSERT_THAT(store_->put(challenge("c1")), Succeeds());
  std::atomic<int> taken = 0;
  in_threads(8, [&](int) {
    if (store_->take("acme", "c1")) ++taken;
  });
  EXPECT_EQ(taken, 1);
}

TEST_P(Challenges, AreCountedForTheirTenantUpToALimit) {
  for (const auto* id : {"c1", "c2", "c3"}) ASSERT_THAT(store_->put(challenge(id)), Succeeds());
  EXPECT_EQ(*store_->count("acme", 10), 3);
  EXPECT_EQ(*store_->count("acme", 2), 2);
  EXPECT_EQ(*store_->count("other", 10), 0);
}

TEST_P(Challenges, ThatExpiredAreDropped) {
  for (const auto* id : {"c1", "c2", "c3"}) ASSERT_THAT(store_->put(challenge(id)), Succeeds());
  ASSERT_THAT(store_->put(challenge("c4", 2001)), Succeeds());
  EXPECT_EQ(*store_->drop_expired(1999, 10), 0);
  EXPECT_EQ(*store_->drop_expired(2000, 2), 2);
  EXPECT_EQ(*store_->drop_expired(2000, 2), 1);
  EXPECT_THAT(store_->take("acme", "c4"), Succeeds());
}

}  // namespace
}  // namespace sealift::store
