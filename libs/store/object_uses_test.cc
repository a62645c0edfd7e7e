// SPDX-License-Identifier: Apache-2.0
#include "store/object_uses.h"

#include "store/conformance_for_test.h"
#include "store/images_for_test.h"

namespace sealift::store {
namespace {

using namespace for_test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ObjectUses : public ConformanceOf<Schema::images> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    images_ = make_image_store(database());
    uses_ = make_object_use_store(database());
  }
  void create(const ImageRecord& record) { ASSERT_THAT(images_->create(record, {}, kAmple), Succeeds()); }
  void remove(const std::string& tenant, const std::string& id) {
    ASSERT_THAT(images_->begin_deletion(tenant, id), Succeeds());
    ASSERT_THAT(images_->remove(tenant, id), Succeeds());
  }
  std::unique_ptr<ImageStore> images_;
  std::unique_ptr<ObjectUseStore> uses_;
};
SEALIFT_CONFORMANCE(ObjectUses);

TEST_P(ObjectUses, EndWithTheLastImage) {
  create(image("acme", "i1"));
  create(image("other", "i1", digest('k'), digest('x')));
  EXPECT_THAT(*uses_->claim_unused(10, 20, 10), IsEmpty());
  remove("acme", "i1");
  EXPECT_THAT(*uses_->claim_unused(10, 20, 10), ElementsAre(digest('d')));
  remove("other", "i1");
  EXPECT_THAT(*uses_->claim_unused(10, 20, 10), UnorderedElementsAre(digest('k'), digest('x')));
}

TEST_P(ObjectUses, OfOneObjectTwiceInOneImageEndTogether) {
  create(image("acme", "i1", digest('k'), digest('k')));
  remove("acme", "i1");
  EXPECT_THAT(*uses_->claim_unused(10, 20, 10), ElementsAre(digest('k')));
}

TEST_P(ObjectUses, AreClaimedByOneUntilTheClaimRunsOut) {
  create(image("acme", "i1", digest('k'), digest('k')));
  remove("acme", "i1");
  EXPECT_FALSE(*uses_->is_being_removed(digest('k')));
  ASSERT_THAT(*uses_->claim_unused(10, 20, 10), ElementsAre(digest('k')));
  EXPECT_TRUE(*uses_->is_being_removed(digest('k')));
  EXPECT_THAT(*uses_->claim_unused(19, 29, 10), IsEmpty());
  EXPECT_THAT(*uses_->claim_unused(20, 30, 10), ElementsAre(digest('k')));
  EXPECT_THAT(uses_->removed(digest('k'), 20), FailsWith(ErrorCode::conflict));
  EXPECT_THAT(uses_->removed(digest('k'), 30), Succeeds());
  EXPECT_FALSE(*uses_->is_being_removed(digest('k')));
  EXPECT_THAT(*uses_->claim_unused(1000, 1010, 10), IsEmpty());
}

TEST_P(ObjectUses, ThatBeginDuringARemovalAreSafeAfterIt) {
  create(image("acme", "i1", digest('k'), digest('k')));
  remove("acme", "i1");
  ASSERT_THAT(*uses_->claim_unused(10, 20, 10), ElementsAre(digest('k')));
  create(image("other", "i1", digest('k'), digest('k')));
  EXPECT_TRUE(*uses_->is_being_removed(digest('k')));
  EXPECT_THAT(uses_->removed(digest('k'), 20), Succeeds());
  EXPECT_FALSE(*uses_->is_being_removed(digest('k')));
  EXPECT_THAT(*uses_->claim_unused(1000, 1010, 10), IsEmpty());
}

TEST_P(ObjectUses, ThatBeginDuringARemovalNobodyEndedDoNotStopItsEnd) {
  create(image("acme", "i1", digest('k'), digest('k')));
  remove("acme", "i1");
  ASSERT_THAT(*uses_->claim_unused(10, 20, 10), ElementsAre(digest('k')));
  create(image("other", "i1", digest('k'), digest('k')));
  EXPECT_THAT(*uses_->claim_unused(20, 30, 10), ElementsAre(digest('k')));
  EXPECT_THAT(uses_->removed(digest('k'), 30), Succeeds());
  EXPECT_FALSE(*uses_->is_being_removed(digest('k')));
}

TEST_P(ObjectUses, OfWhichNothingIsKnownCanBeNoted) {
  EXPECT_THAT(uses_->note(digest('n')), Succeeds());
  EXPECT_THAT(uses_->note(digest('n')), Succeeds());
  EXPECT_THAT(*uses_->claim_unused(10, 20, 10), ElementsAre(digest('n')));
  create(image("acme", "i1"));
  EXPECT_THAT(uses_->note(digest('k')), Succeeds());
  EXPECT_THAT(*uses_->claim_unused(10, 20, 10), IsEmpty());
}

TEST_P(ObjectUses, AreClaimedUpToTheLimit) {
  for (const char byte : {'a', 'b', 'c'}) ASSERT_THAT(uses_->note(digest(byte)), Succeeds());
  EXPECT_EQ(uses_->claim_unused(10, 20, 2)->size(), 2U);
  EXPECT_EQ(uses_->claim_unused(10, 20, 2)->size(), 1U);
}

TEST_P(ObjectUses, AreNeverMissedWhereOneImageComesWhileAnotherGoes) {
  for (int round = 0; round < 20; ++round) {
    const auto old_id = "old" + std::to_string(round);
    const auto new_id = "new" + std::to_string(round);
    create(image("acme", old_id, digest('k'), digest('d')));
    for (const auto* file : {"kernel", "disk"})
      ASSERT_THAT(images_->complete_file("acme", old_id, file), Succeeds());
    in_threads(2, [&](int i) {
      if (i == 0) remove("acme", old_id);
      if (i == 1) create(image("acme", new_id, digest('d'), digest('k')));
    });
    EXPECT_THAT(*uses_->claim_unused(10, 20, 10), IsEmpty());
    remove("acme", new_id);
    const auto unused = *uses_->claim_unused(10, 20, 10);
    EXPECT_EQ(unused.size(), 2U);
    for (const auto& gone : unused) ASSERT_THAT(uses_->removed(gone, 20), Succeeds());
  }
}

}  // namespace
}  // namespace sealift::store
