// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/images.h"

#include "services/frontend/domain/frontend_for_test.h"

namespace sealift::frontend {
namespace {

class ImagesTest : public FrontendTest {};

TEST_F(ImagesTest, AreAnnouncedAndDescribed) {
  const ImageForTest image{1};
  const auto made = images_->create("acme", image.announcement());
  ASSERT_THAT(made, Succeeds());
  EXPECT_EQ(made->image_id(), image.id());
  EXPECT_EQ(made->state(), v1::Image::STATE_UPLOADING);
  EXPECT_EQ(made->tee(), "measured");
  EXPECT_EQ(made->arch(), "x86_64");
  EXPECT_EQ(made->memory_mib(), 512U);
  EXPECT_EQ(made->created_at(), 1'700'000'000);
  ASSERT_EQ(made->files_size(), 3);
  for (const auto& file : made->files()) {
    EXPECT_EQ(file.size(), image.files.at(file.name()).size());
    EXPECT_EQ(file.sha512(), as_text(image.digest(file.name()).view()));
    EXPECT_EQ(file.received(), 0U);
    EXPECT_FALSE(file.complete());
  }
}

TEST_F(ImagesTest, AnnouncedAgainAreAnsweredAsTheyStand) {
  const ImageForTest image{1};
  ASSERT_THAT(images_->create("acme", image.announcement()), Succeeds());
  ASSERT_THAT(uploads_->put("acme", image.part("kernel")), Succeeds());
  const auto again = images_->create("acme", image.announcement());
  ASSERT_THAT(again, Succeeds());
  EXPECT_TRUE(again->files(0).complete());
  EXPECT_EQ(again->files(0).received(), image.files.at("kernel").size());
  EXPECT_FALSE(again->files(1).complete());
}

TEST_F(ImagesTest, SealedToMoreMachinesOrWithAnotherLogAreTheSame) {
  ImageForTest image{1};
  upload("acme", image);
  auto request = image.announcement();
  request.set_reference_event_log("another log");
  EXPECT_EQ(images_->create("acme", request)->state(), v1::Image::STATE_READY);
  image.seal_to(esm::samples::target(7));
  EXPECT_EQ(images_->create("acme", image.announcement())->state(), v1::Image::STATE_READY);
}

TEST_F(ImagesTest, WithAnotherPayloadAreOthers) {
  ImageForTest image{1};
  upload("acme", image);
  image.head = ImageForTest{1}.head;
  EXPECT_THAT(images_->create("acme", image.announcement()), FailsAt(ErrorCode::conflict, "image_id"));
}

TEST_F(ImagesTest, ForSevAreTheSameAsLongAsTheirManifestIs) {
  ImageForTest image{1};
  image.become_one_for_sev();
  upload("acme", image);
  const auto again = images_->create("acme", image.announcement());
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(again->state(), v1::Image::STATE_READY);
  EXPECT_EQ(again->tee(), "sev");
  image.manifest.memory_mib += 1;
  EXPECT_THAT(images_->create("acme", image.announcement()), FailsAt(ErrorCode::conflict, "image_id"));
  EXPECT_THAT(images_->create("acme", ImageForTest{1}.announcement()),
              FailsAt(ErrorCode::conflict, "image_id"));
}

TEST_F(ImagesTest, OfOneNameAreOne) {
  const ImageForTest image{1};
  upload("acme", image);
  const ImageForTest different{1, 1};
  EXPECT_THAT(images_->create("acme", different.announcement()), FailsAt(ErrorCode::conflict, "image_id"));
  EXPECT_THAT(images_->create("other", different.announcement()), Succeeds());
  EXPECT_EQ(images_->get("acme", image.id())->state(), v1::Image::STATE_READY);
}

TEST_F(ImagesTest, OfAnotherTenantAreNotThere) {
  const ImageForTest image{1};
  upload("acme", image);
  const auto others = images_->get("other", image.id());
  EXPECT_THAT(others, FailsAt(ErrorCode::not_found, "image_id"));
  EXPECT_EQ(others.error().message, images_->get("other", std::string(32, '0')).error().message);
  EXPECT_THAT(images_->remove(zone_, "other", image.id()), FailsAt(ErrorCode::not_found, "image_id"));
  EXPECT_EQ(images_->list("other", {})->images_size(), 0);
  EXPECT_EQ(images_->list("acme", {})->images_size(), 1);
}

TEST_F(ImagesTest, AreListedPageByPage) {
  for (std::uint8_t id = 1; id <= 5; ++id)
    ASSERT_THAT(images_->create("acme", ImageForTest{id}.announcement()), Succeeds());
  v1::ListImagesRequest request;
  request.set_limit(2);
  std::vector<std::string> seen;
  for (bool more = true; more;) {
    const auto page = images_->list("acme", request);
    ASSERT_THAT(page, Succeeds());
    for (const auto& image : page->images()) seen.push_back(image.image_id());
    more = page->more();
    request.set_after(seen.back());
  }
  ASSERT_EQ(seen.size(), 5U);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

TEST_F(ImagesTest, StayWithinTheTenantsQuota) {
  terms_.limits.images = 2;
  const ImageForTest first{1};
  ASSERT_THAT(images_->create("acme", first.announcement()), Succeeds());
  ASSERT_THAT(images_->create("acme", ImageForTest{2}.announcement()), Succeeds());
  EXPECT_THAT(images_->create("acme", ImageForTest{3}.announcement()),
              FailsWith(ErrorCode::resource_exhausted));
  EXPECT_THAT(images_->create("acme", first.announcement()), Succeeds());
  EXPECT_THAT(images_->create("other", ImageForTest{3}.announcement()), Succeeds());
  terms_.limits.image_bytes = 100;
  EXPECT_THAT(images_->create("third", ImageForTest{3}.announcement()),
              FailsWith(ErrorCode::resource_exhausted));
}

TEST_F(ImagesTest, WithFilesThatTheTenantSentBeforeNeedThemNotAgain) {
  upload("acme", ImageForTest{1});
  EXPECT_EQ(images_->create("acme", ImageForTest{2}.announcement())->state(), v1::Image::STATE_READY);
}

TEST_F(ImagesTest, WithFilesThatOnlyAnotherTenantSentNeedAllOfThem) {
  upload("acme", ImageForTest{1});
  const auto others = images_->create("other", ImageForTest{2}.announcement());
  EXPECT_EQ(others->state(), v1::Image::STATE_UPLOADING);
  for (const auto& file : others->files()) EXPECT_EQ(file.received(), 0U);
  for (const auto& part : ImageForTest{2}.parts()) EXPECT_THAT(uploads_->put("other", part), Succeeds());
  EXPECT_EQ(images_->get("other", ImageForTest{2}.id())->state(), v1::Image::STATE_READY);
}

TEST_F(ImagesTest, ThatAreDeletedTakeTheirObjectsAlong) {
  const ImageForTest image{1};
  upload("acme", image);
  ASSERT_THAT(images_->remove(zone_, "acme", image.id()), Succeeds());
  EXPECT_THAT(images_->get("acme", image.id()), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(images_->remove(zone_, "acme", image.id()), FailsWith(ErrorCode::not_found));
  for (const auto& [name, bytes] : image.files) EXPECT_FALSE(has_object(image.digest(name))) << name;
  upload("acme", image);
}

TEST_F(ImagesTest, ThatAreDeletedLeaveObjectsThatAnyOtherImageUses) {
  upload("acme", ImageForTest{1});
  upload("other", ImageForTest{2});
  ASSERT_THAT(images_->create("third", ImageForTest{3}.announcement()), Succeeds());  // only announced
  ASSERT_THAT(images_->remove(zone_, "acme", ImageForTest{1}.id()), Succeeds());
  ASSERT_THAT(images_->remove(zone_, "other", ImageForTest{2}.id()), Succeeds());
  for (const auto* name : {"kernel", "initramfs", "rootdisk.luks"})
    EXPECT_TRUE(has_object(ImageForTest{3}.digest(name))) << name;
  ASSERT_THAT(images_->remove(zone_, "third", ImageForTest{3}.id()), Succeeds());
  EXPECT_FALSE(has_object(ImageForTest{3}.digest("kernel")));
}

TEST_F(ImagesTest, ThatAreDeletedUnfinishedLeaveNoUpload) {
  const ImageForTest large{1, 0, objects::kPartSize + 1};
  ASSERT_THAT(images_->create("acme", large.announcement()), Succeeds());
  ASSERT_THAT(uploads_->put("acme", large.part("rootdisk.luks")), Succeeds());
  EXPECT_EQ(unfinished_uploads(), 1U);
  ASSERT_THAT(images_->remove(zone_, "acme", large.id()), Succeeds());
  EXPECT_EQ(unfinished_uploads(), 0U);
  EXPECT_THAT(uploads_->put("acme", large.part("rootdisk.luks")), FailsWith(ErrorCode::not_found));
}

TEST_F(ImagesTest, AreNotDeletedWhileALaunchIsActive) {
  const ImageForTest image{1};
  upload("acme", image);
  auto& launches = zone_.launches["acme"];
  for (int i = 0; i < 7; ++i) {
    auto& launch = launches.emplace_back();
    launch.set_launch_id("launch-" + std::to_string(i));
    launch.set_image_id(i == 6 ? image.id() : ImageForTest{2}.id());
    launch.set_state(v1::Launch::STATE_RUNNING);
  }
  EXPECT_THAT(images_->remove(zone_, "acme", image.id()),
              FailsAt(ErrorCode::failed_precondition, "image_id"));
  EXPECT_EQ(images_->get("acme", image.id())->state(), v1::Image::STATE_READY);
  zone_.end("acme", 6);
  EXPECT_THAT(images_->remove(zone_, "acme", image.id()), Succeeds());
}

TEST_F(ImagesTest, AreNotDeletedWhileTheZoneDoesNotAnswer) {
  const ImageForTest image{1};
  upload("acme", image);
  zone_.refuses = Error{ErrorCode::unavailable, "nobody there", {}, {}};
  EXPECT_THAT(images_->remove(zone_, "acme", image.id()), FailsWith(ErrorCode::unavailable));
  EXPECT_EQ(images_->get("acme", image.id())->state(), v1::Image::STATE_READY);
}

TEST_F(ImagesTest, AreGoneEvenIfTheObjectStoreDoesNotAnswerAndTheirObjectsLater) {
  const ImageForTest image{1};
  upload("acme", image);
  objects_->fail_next(FaultyObjects::Call::remove, ErrorCode::unavailable);
  EXPECT_THAT(images_->remove(zone_, "acme", image.id()), Succeeds());
  EXPECT_THAT(images_->get("acme", image.id()), FailsWith(ErrorCode::not_found));
  EXPECT_TRUE(has_object(image.digest("kernel")) || has_object(image.digest("initramfs")) ||
              has_object(image.digest("rootdisk.luks")));
  clock_.advance(terms_.limits.removal);
  ASSERT_THAT(housekeeping_->run(), Succeeds());
  for (const auto& [name, bytes] : image.files) EXPECT_FALSE(has_object(image.digest(name))) << name;
}

}  // namespace
}  // namespace sealift::frontend
