// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/housekeeping.h"

#include "services/frontend/domain/frontend_for_test.h"

namespace sealift::frontend {
namespace {

class HousekeepingTest : public FrontendTest {
 protected:
  const ImageForTest large_{1, 0, 2 * objects::kPartSize};
};

TEST_F(HousekeepingTest, DropsAnImageOfWhichNothingCame) {
  ASSERT_THAT(images_->create("acme", large_.announcement()), Succeeds());
  ASSERT_THAT(uploads_->put("acme", large_.part("kernel")), Succeeds());
  ASSERT_THAT(uploads_->put("acme", large_.part("rootdisk.luks")), Succeeds());
  clock_.advance(terms_.limits.stale_upload);
  ASSERT_THAT(housekeeping_->run(), Succeeds());
  EXPECT_THAT(images_->get("acme", large_.id()), Succeeds());
  clock_.advance(std::chrono::seconds{1});
  ASSERT_THAT(housekeeping_->run(), Succeeds());
  EXPECT_THAT(images_->get("acme", large_.id()), FailsWith(ErrorCode::not_found));
  EXPECT_FALSE(has_object(large_.digest("kernel")));
  EXPECT_EQ(unfinished_uploads(), 0U);
}

TEST_F(HousekeepingTest, KeepsAnImageOfWhichSomethingCame) {
  ASSERT_THAT(images_->create("acme", large_.announcement()), Succeeds());
  ASSERT_THAT(uploads_->put("acme", large_.part("rootdisk.luks")), Succeeds());
  clock_.advance(terms_.limits.stale_upload);
  ASSERT_THAT(uploads_->put("acme", large_.part("initramfs")), Succeeds());
  clock_.advance(terms_.limits.stale_upload);
  ASSERT_THAT(housekeeping_->run(), Succeeds());
  EXPECT_THAT(uploads_->put("acme", large_.part("rootdisk.luks", objects::kPartSize)), Succeeds());
}

TEST_F(HousekeepingTest, KeepsReadyImages) {
  upload("acme", large_);
  clock_.advance(terms_.limits.stale_upload * 10);
  ASSERT_THAT(housekeeping_->run(), Succeeds());
  EXPECT_EQ(images_->get("acme", large_.id())->state(), v1::Image::STATE_READY);
  EXPECT_TRUE(has_object(large_.digest("kernel")));
}

TEST_F(HousekeepingTest, GoesOnWithADeletionThatWasInterrupted) {
  upload("acme", large_);
  ASSERT_THAT(image_store_->begin_deletion("acme", large_.id()), Succeeds());
  EXPECT_THAT(images_->get("acme", large_.id()), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(images_->create("acme", large_.announcement()), FailsWith(ErrorCode::unavailable));
  restart();
  ASSERT_THAT(housekeeping_->run(), Succeeds());
  EXPECT_FALSE(has_object(large_.digest("kernel")));
  upload("acme", large_);
}

TEST_F(HousekeepingTest, DropsUploadsWithoutAnImage) {
  ASSERT_THAT(images_->create("acme", large_.announcement()), Succeeds());
  ASSERT_THAT(uploads_->put("acme", large_.part("rootdisk.luks")), Succeeds());
  ASSERT_THAT(image_store_->begin_deletion("acme", large_.id()), Succeeds());
  ASSERT_THAT(image_store_->remove("acme", large_.id()), Succeeds());
  EXPECT_EQ(unfinished_uploads(), 1U);
  clock_.advance(terms_.limits.stale_upload + std::chrono::seconds{1});
  ASSERT_THAT(housekeeping_->run(), Succeeds());
  EXPECT_EQ(unfinished_uploads(), 0U);
}

TEST_F(HousekeepingTest, DropsQuotesThatExpired) {
  upload("acme", large_);
  v1::GetQuoteRequest request;
  request.set_image_id(large_.id());
  const auto quote = *launches_->quote("acme", request);
  clock_.advance(terms_.prices.validity);
  ASSERT_THAT(housekeeping_->run(), Succeeds());
  EXPECT_THAT(quote_store_->get("acme", quote.quote_id()), FailsWith(ErrorCode::not_found));
}

TEST_F(HousekeepingTest, GoesOnAfterAFailureAndTellsOfIt) {
  upload("acme", large_);
  ASSERT_THAT(image_store_->begin_deletion("acme", large_.id()), Succeeds());
  v1::GetQuoteRequest request;
  upload("acme", ImageForTest{2, 1});
  request.set_image_id(ImageForTest{2, 1}.id());
  const auto quote = *launches_->quote("acme", request);
  clock_.advance(terms_.prices.validity);
  objects_->fail_next(FaultyObjects::Call::remove, ErrorCode::unavailable);
  EXPECT_THAT(housekeeping_->run(), FailsWith(ErrorCode::unavailable));
  EXPECT_THAT(quote_store_->get("acme", quote.quote_id()), FailsWith(ErrorCode::not_found));
}

}  // namespace
}  // namespace sealift::frontend
