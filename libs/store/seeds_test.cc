// SPDX-License-Identifier: Apache-2.0
#include "store/seeds.h"

#include <set>

#include "store/conformance_for_test.h"

namespace sealift::store {
namespace {

SeedRecord seed(const std::string& tenant, const std::string& image_id) {
  SeedRecord record;
  record.tenant = tenant;
  record.image_id = image_id;
  record.wrapped_seed = Bytes(60, 3);
  record.metadata = {0};
  record.created_at = 1000;
  return record;
}

class Seeds : public ConformanceOf<Schema::keys> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    store_ = make_seed_store(database());
  }
  std::unique_ptr<SeedStore> store_;
};
SEALIFT_CONFORMANCE(Seeds);

TEST_P(Seeds, AreReadBackAsTheyWereCreated) {
  ASSERT_THAT(store_->create(seed("acme", "i1")), Succeeds());
  EXPECT_THAT(store_->create(seed("acme", "i1")), FailsWith(ErrorCode::already_exists));
  const auto read = *store_->get("acme", "i1");
  EXPECT_EQ(read.wrapped_seed, Bytes(60, 3));
  EXPECT_EQ(read.metadata, Bytes{0});
  EXPECT_EQ(read.created_at, 1000);
  EXPECT_EQ(read.version, 1);
}

TEST_P(Seeds, OfAnotherTenantAreNotThere) {
  ASSERT_THAT(store_->create(seed("acme", "i1")), Succeeds());
  EXPECT_THAT(store_->get("other", "i1"), FailsWith(ErrorCode::not_found));
  EXPECT_TRUE(store_->list("other", "", 10)->empty());
  auto theirs = seed("other", "i1");
  theirs.version = 1;
  EXPECT_THAT(store_->update(theirs), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(store_->remove("other", "i1"), Succeeds());
  EXPECT_THAT(store_->get("acme", "i1"), Succeeds());
}

TEST_P(Seeds, AreUpdatedByWhoSawTheLastVersion) {
  ASSERT_THAT(store_->create(seed("acme", "i1")), Succeeds());
  auto record = *store_->get("acme", "i1");
  record.wrapped_seed = Bytes(60, 4);
  record.metadata = {};
  EXPECT_EQ(*store_->update(record), 2);
  EXPECT_THAT(store_->update(record), FailsWith(ErrorCode::conflict));
  EXPECT_EQ(store_->get("acme", "i1")->wrapped_seed, Bytes(60, 4));
  EXPECT_EQ(store_->get("acme", "i1")->metadata, Bytes{});
}

TEST_P(Seeds, AreListedInPagesAndRemoved) {
  for (const auto* id : {"i2", "i1", "i3"}) ASSERT_THAT(store_->create(seed("acme", id)), Succeeds());
  ASSERT_THAT(store_->remove("acme", "i2"), Succeeds());
  const auto page = *store_->list("acme", "i1", 5);
  ASSERT_EQ(page.size(), 1U);
  EXPECT_EQ(page[0].image_id, "i3");
}

AuthorizationRecord authorization(const std::string& image_id, std::uint8_t host, std::uint8_t policy) {
  AuthorizationRecord record;
  record.tenant = "acme";
  record.image_id = image_id;
  record.storage_key_name = {0, 11, host};
  record.policy = Bytes(32, policy);
  record.sealed_data = {host, policy};
  record.created_at = 1000;
  return record;
}

class Authorizations : public ConformanceOf<Schema::keys> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    store_ = make_authorization_store(database());
  }
  std::unique_ptr<AuthorizationStore> store_;
};
SEALIFT_CONFORMANCE(Authorizations);

TEST_P(Authorizations, AreMadeOnceAndGivenBackFromThenOn) {
  ASSERT_THAT(store_->put_if_absent(authorization("i1", 1, 1)), Succeeds());
  auto second = authorization("i1", 1, 1);
  second.sealed_data = bytes("another");
  const auto stored = store_->put_if_absent(second);
  ASSERT_THAT(stored, Succeeds());
  EXPECT_EQ(stored->sealed_data, (Bytes{1, 1}));
  const auto read = *store_->get("acme", "i1", {{0, 11, 1}, Bytes(32, 1)});
  EXPECT_EQ(read.sealed_data, (Bytes{1, 1}));
  EXPECT_EQ(read.created_at, 1000);
}

TEST_P(Authorizations, AreOfOneTenantImageHostAndPolicy) {
  ASSERT_THAT(store_->put_if_absent(authorization("i1", 1, 1)), Succeeds());
  EXPECT_THAT(store_->get("other", "i1", {{0, 11, 1}, Bytes(32, 1)}), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(store_->get("acme", "i2", {{0, 11, 1}, Bytes(32, 1)}), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(store_->get("acme", "i1", {{0, 11, 2}, Bytes(32, 1)}), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(store_->get("acme", "i1", {{0, 11, 1}, Bytes(32, 2)}), FailsWith(ErrorCode::not_found));
}

TEST_P(Authorizations, HaveOneWinnerWhereManyMakeThem) {
  std::mutex mutex;
  std::set<Bytes> given;
  in_threads(8, [&](int i) {
    auto mine = authorization("i1", 1, 1);
    mine.sealed_data = {static_cast<std::uint8_t>(i)};
    const auto stored = store_->put_if_absent(mine);
    ASSERT_THAT(stored, Succeeds());
    const std::scoped_lock lock{mutex};
    given.insert(stored->sealed_data);
  });
  EXPECT_EQ(given.size(), 1U);
}

TEST_P(Authorizations, AreListedForTheirImageInPages) {
  for (const std::uint8_t host : Bytes{2, 1}) {
    for (const std::uint8_t policy : Bytes{2, 1})
      ASSERT_THAT(store_->put_if_absent(authorization("i1", host, policy)), Succeeds());
  }
  ASSERT_THAT(store_->put_if_absent(authorization("i2", 1, 1)), Succeeds());
  std::vector<Bytes> seen;
  AuthorizationKey after;
  for (auto page = store_->list_of_image("acme", "i1", after, 3); !page->empty();
       page = store_->list_of_image("acme", "i1", after, 3)) {
    for (const auto& one : *page) seen.push_back(one.sealed_data);
    after = {page->back().storage_key_name, page->back().policy};
  }
  EXPECT_EQ(seen, (std::vector<Bytes>{{1, 1}, {1, 2}, {2, 1}, {2, 2}}));
}

TEST_P(Authorizations, AreCountedForTheirImageUpToALimit) {
  for (std::uint8_t host = 1; host <= 3; ++host)
    ASSERT_THAT(store_->put_if_absent(authorization("i1", host, 1)), Succeeds());
  EXPECT_EQ(*store_->count_of_image("acme", "i1", 10), 3);
  EXPECT_EQ(*store_->count_of_image("acme", "i1", 2), 2);
  EXPECT_EQ(*store_->count_of_image("acme", "i2", 10), 0);
  EXPECT_EQ(*store_->count_of_image("other", "i1", 10), 0);
}

TEST_P(Authorizations, AreRemovedOfAnImageOrOfAHost) {
  for (std::uint8_t host = 1; host <= 3; ++host) {
    ASSERT_THAT(store_->put_if_absent(authorization("i1", host, 1)), Succeeds());
    ASSERT_THAT(store_->put_if_absent(authorization("i2", host, 1)), Succeeds());
  }
  EXPECT_EQ(*store_->remove_of_image("other", "i1", 10), 0);
  EXPECT_EQ(*store_->remove_of_image("acme", "i1", 2), 2);
  EXPECT_EQ(*store_->remove_of_image("acme", "i1", 2), 1);
  EXPECT_EQ(*store_->remove_of_host("acme", {0, 11, 2}, 10), 1);
  EXPECT_EQ(store_->list_of_image("acme", "i2", {}, 10)->size(), 2U);
}

TEST_P(Authorizations, AreNoMoreThanTheirImageMayHaveHoweverManyTry) {
  const auto seeds = make_seed_store(database());
  ASSERT_THAT(seeds->create({"acme", "i1", {1}, {2}, 0, 0}), Succeeds());
  std::atomic<int> made = 0;
  in_threads(8, [&](int i) {
    const auto stored = store_->put_if_room(authorization("i1", static_cast<std::uint8_t>(i), 1), 3);
    if (stored) {
      ++made;
    } else {
      EXPECT_THAT(stored, FailsAt(ErrorCode::resource_exhausted, "maximum"));
    }
  });
  EXPECT_EQ(made, 3);
  const auto one = store_->list_of_image("acme", "i1", {}, 10)->front();
  EXPECT_EQ(store_->put_if_room(one, 3)->sealed_data, one.sealed_data);
  EXPECT_THAT(store_->put_if_room(authorization("i2", 1, 1), 1), Succeeds());
}

class RootKeys : public ConformanceOf<Schema::keys> {};
SEALIFT_CONFORMANCE(RootKeys);

TEST_P(RootKeys, AreMadeOnceWhereManyStartAtTheSameTime) {
  const auto store = make_root_key_store(database());
  EXPECT_THAT(store->get(), FailsWith(ErrorCode::not_found));
  std::mutex mutex;
  std::set<Bytes> given;
  in_threads(6, [&](int i) {
    const auto stored = store->put_if_absent({static_cast<std::uint8_t>(i)});
    ASSERT_THAT(stored, Succeeds());
    const std::scoped_lock lock{mutex};
    given.insert(*stored);
  });
  ASSERT_EQ(given.size(), 1U);
  EXPECT_EQ(*store->get(), *given.begin());
}

TEST_P(RootKeys, AreReplacedByOneOfThoseWhoSawTheSame) {
  const auto store = make_root_key_store(database());
  EXPECT_THAT(store->replace({1}, {2}), FailsWith(ErrorCode::conflict));
  ASSERT_THAT(store->put_if_absent({1}), Succeeds());
  std::atomic<int> replaced = 0;
  in_threads(6, [&](int i) {
    const auto status = store->replace({1}, {static_cast<std::uint8_t>(10 + i)});
    if (status) {
      ++replaced;
    } else {
      EXPECT_THAT(status, FailsWith(ErrorCode::conflict));
    }
  });
  EXPECT_EQ(replaced, 1);
}

}  // namespace
}  // namespace sealift::store
