// SPDX-License-Identifier: Apache-2.0
#include "store/sealed_heads.h"

#include "store/conformance_for_test.h"
#include "store/images.h"
#include "store/images_for_test.h"

namespace sealift::store {
namespace {

class SealedHeads : public ConformanceOf<Schema::images> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    heads_ = make_sealed_head_store(database());
    images_ = make_image_store(database());
    for (const auto* id : {"img-1", "img-2"})
      ASSERT_THAT(images_->create(for_test::image("acme", id), {}, for_test::kAmple), Succeeds());
  }
  std::unique_ptr<SealedHeadStore> heads_;
  std::unique_ptr<ImageStore> images_;
};
SEALIFT_CONFORMANCE(SealedHeads);

TEST_P(SealedHeads, AreReplacedByWhoKnowsTheLast) {
  ASSERT_THAT(heads_->put({"acme", "img-1", "north", {1}}, {}), Succeeds());
  EXPECT_THAT(heads_->put({"acme", "img-1", "north", {2}}, {}), FailsWith(ErrorCode::conflict));
  EXPECT_THAT(heads_->put({"acme", "img-1", "north", {2}}, {9}), FailsWith(ErrorCode::conflict));
  EXPECT_THAT(heads_->put({"acme", "img-1", "north", {2}}, {1}), Succeeds());
  EXPECT_EQ(heads_->get("acme", "img-1", "north").value()->document, (Bytes{2}));
  EXPECT_FALSE(heads_->get("acme", "img-1", "south")->has_value());
  EXPECT_FALSE(heads_->get("other", "img-1", "north")->has_value());
}

TEST_P(SealedHeads, AreOfImagesThatAreThere) {
  EXPECT_THAT(heads_->put({"acme", "img-9", "north", {1}}, {}), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(heads_->put({"other", "img-1", "north", {1}}, {}), FailsWith(ErrorCode::not_found));
  ASSERT_THAT(images_->begin_deletion("acme", "img-1"), Succeeds());
  EXPECT_THAT(heads_->put({"acme", "img-1", "north", {1}}, {}), FailsWith(ErrorCode::not_found));
}

TEST_P(SealedHeads, AreListedAndRemoved) {
  for (const auto& [id, set] : {std::pair{"img-2", "a"}, {"img-1", "b"}, {"img-1", "a"}})
    ASSERT_THAT(heads_->put({"acme", id, set, {1}}, {}), Succeeds());
  const auto first = heads_->list("acme", "", "", 2).value();
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[1].set, "b");
  EXPECT_EQ(heads_->list("acme", "img-1", "b", 2)->front().image_id, "img-2");
  EXPECT_EQ(heads_->list_of_image("acme", "img-1", 10)->size(), 2U);
  EXPECT_EQ(heads_->remove("acme", "img-1", "a").value()->document, (Bytes{1}));
  EXPECT_FALSE(heads_->remove("acme", "img-1", "a")->has_value());
  EXPECT_EQ(heads_->list_of_image("acme", "img-1", 10)->size(), 1U);
}

}  // namespace
}  // namespace sealift::store
