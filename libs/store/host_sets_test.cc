// SPDX-License-Identifier: Apache-2.0
#include "store/host_sets.h"

#include "store/conformance_for_test.h"

namespace sealift::store {
namespace {

class HostSets : public ConformanceOf<Schema::keys> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    sets_ = make_host_set_store(database());
    verdicts_ = make_verdict_store(database());
  }
  std::unique_ptr<HostSetStore> sets_;
  std::unique_ptr<VerdictStore> verdicts_;
};
SEALIFT_CONFORMANCE(HostSets);

TEST_P(HostSets, AreMadeOnceAndChangedByWhoReadThem) {
  ASSERT_THAT(sets_->create({"acme", "north", {1}}, 10), Succeeds());
  EXPECT_THAT(sets_->create({"acme", "north", {2}}, 10), FailsWith(ErrorCode::already_exists));
  ASSERT_THAT(sets_->create({"other", "north", {3}}, 10), Succeeds());
  auto read = sets_->get("acme", "north").value();
  EXPECT_EQ(read.document, (Bytes{1}));
  EXPECT_EQ(read.version, 1);
  read.document = {4};
  EXPECT_EQ(sets_->update(read).value(), 2);
  EXPECT_THAT(sets_->update(read), FailsWith(ErrorCode::conflict));
  EXPECT_EQ(sets_->get("acme", "north")->document, (Bytes{4}));
  EXPECT_EQ(sets_->get("other", "north")->document, (Bytes{3}));
  read.name = "south";
  EXPECT_THAT(sets_->update(read), FailsWith(ErrorCode::not_found));
}

TEST_P(HostSets, AreAsManyAsATenantMayHave) {
  ASSERT_THAT(sets_->create({"acme", "a", {1}}, 2), Succeeds());
  ASSERT_THAT(sets_->create({"acme", "b", {1}}, 2), Succeeds());
  EXPECT_THAT(sets_->create({"acme", "c", {1}}, 2), FailsWith(ErrorCode::resource_exhausted));
  EXPECT_THAT(sets_->create({"other", "c", {1}}, 2), Succeeds());
  ASSERT_THAT(sets_->remove("acme", "a"), Succeeds());
  ASSERT_THAT(sets_->remove("acme", "a"), Succeeds());
  EXPECT_THAT(sets_->get("acme", "a"), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(sets_->create({"acme", "c", {1}}, 2), Succeeds());
}

TEST_P(HostSets, AreListedPageByPage) {
  for (const auto* name : {"b", "a", "c"}) ASSERT_THAT(sets_->create({"acme", name, {1}}, 10), Succeeds());
  EXPECT_EQ(sets_->list("acme", "", 2)->back().name, "b");
  EXPECT_EQ(sets_->list("acme", "b", 2)->front().name, "c");
  EXPECT_TRUE(sets_->list("other", "", 2)->empty());
}

TEST_P(HostSets, HaveVerdictsOfTheirHostsByWhatWasTrusted) {
  EXPECT_FALSE(verdicts_->get({"acme", {1}, {9}})->has_value());
  ASSERT_THAT(verdicts_->put({"acme", {1}, {9}}, {5}), Succeeds());
  ASSERT_THAT(verdicts_->put({"acme", {1}, {9}}, {6}), Succeeds());
  ASSERT_THAT(verdicts_->put({"acme", {1}, {8}}, {7}), Succeeds());
  ASSERT_THAT(verdicts_->put({"acme", {2}, {9}}, {8}), Succeeds());
  EXPECT_EQ(verdicts_->get({"acme", {1}, {9}}).value(), (Bytes{6}));
  EXPECT_FALSE(verdicts_->get({"other", {1}, {9}})->has_value());
  EXPECT_EQ(verdicts_->remove_of_host("acme", {1}, 10).value(), 2);
  EXPECT_FALSE(verdicts_->get({"acme", {1}, {8}})->has_value());
  EXPECT_EQ(verdicts_->get({"acme", {2}, {9}}).value(), (Bytes{8}));
}

}  // namespace
}  // namespace sealift::store
