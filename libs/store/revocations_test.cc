// SPDX-License-Identifier: Apache-2.0
#include "store/revocations.h"

#include "store/conformance_for_test.h"

namespace sealift::store {
namespace {

RevocationRecord revocation(std::int64_t kind, const Bytes& subject) {
  return {"acme", {kind, subject}, {1, 2}, 1000};
}

class Revocations : public ConformanceOf<Schema::keys> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    store_ = make_revocation_store(database());
  }
  std::unique_ptr<RevocationStore> store_;
};
SEALIFT_CONFORMANCE(Revocations);

TEST_P(Revocations, AreThereForEveryoneOnceTheyWerePut) {
  const auto other = open(Schema::keys);
  const auto theirs = make_revocation_store(*other);
  EXPECT_EQ(*theirs->find("acme", {{1, {7}}}), 0);
  ASSERT_THAT(store_->put(revocation(1, {7})), Succeeds());
  ASSERT_THAT(store_->put(revocation(1, {7})), Succeeds());
  ASSERT_THAT(store_->put(revocation(2, {8})), Succeeds());
  EXPECT_EQ(*theirs->find("acme", {{1, {7}}}), 1);
  EXPECT_EQ(*theirs->find("acme", {{3, {7}}, {2, {8}}, {1, {7}}}), 2);
  EXPECT_EQ(*theirs->find("acme", {{3, {7}}, {2, {7}}, {1, {8}}}), 0);
  EXPECT_EQ(*theirs->find("other", {{1, {7}}, {2, {8}}}), 0);
  ASSERT_THAT(theirs->remove("acme", {1, {7}}), Succeeds());
  ASSERT_THAT(theirs->remove("acme", {1, {7}}), Succeeds());
  EXPECT_EQ(*store_->find("acme", {{1, {7}}}), 0);
}

TEST_P(Revocations, AreListedPageByPage) {
  for (const auto& [kind, subject] : {std::pair<std::int64_t, Bytes>{2, {1}}, {1, {9}}, {1, {1, 1}}, {3, {}}})
    ASSERT_THAT(store_->put(revocation(kind, subject)), Succeeds());
  std::vector<std::int64_t> kinds;
  RevocationKey after;
  for (auto page = store_->list("acme", after, 2); !page->empty(); page = store_->list("acme", after, 2)) {
    for (const auto& one : *page) kinds.push_back(one.key.kind);
    after = page->back().key;
  }
  EXPECT_EQ(kinds, (std::vector<std::int64_t>{1, 1, 2, 3}));
  EXPECT_TRUE(store_->list("other", {}, 10)->empty());
  const auto first = store_->list("acme", {}, 1)->front();
  EXPECT_EQ(first.key.subject, (Bytes{1, 1}));
  EXPECT_EQ(first.document, (Bytes{1, 2}));
  EXPECT_EQ(first.revoked_at, 1000);
}

}  // namespace
}  // namespace sealift::store
