// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/announcement.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "objects/upload_state.h"
#include "services/frontend/domain/image_for_test.h"
#include "services/frontend/domain/instance.h"

namespace sealift::frontend {
namespace {

TEST(Announcement, SaysWhatIsToBeUploaded) {
  const ImageForTest image{1};
  const auto read = read_announcement(image.announcement());
  ASSERT_THAT(read, Succeeds());
  ASSERT_EQ(read->files.size(), 3U);
  EXPECT_EQ(read->files[0].name, "kernel");
  EXPECT_EQ(read->files[1].name, "initramfs");
  EXPECT_EQ(read->files[2].name, "rootdisk.luks");
  for (const auto& file : read->files) {
    EXPECT_EQ(file.size, image.files.at(file.name).size());
    EXPECT_EQ(file.sha512, to_bytes(image.digest(file.name).view()));
  }
}

TEST(Announcement, IsRefusedWithAnyTruncationOfManifestHeadOrCommandLine) {
  const auto whole = ImageForTest{1}.announcement();
  for (std::size_t size = 0; size + 1 < whole.manifest().size(); ++size) {
    auto cut = whole;
    cut.mutable_manifest()->resize(size);
    EXPECT_THAT(read_announcement(cut), FailsWith(ErrorCode::malformed)) << size;
  }
  for (std::size_t size = 0; size < whole.head().size(); size += 7) {
    auto cut = whole;
    cut.mutable_head()->resize(size);
    EXPECT_FALSE(read_announcement(cut)) << size;
  }
  for (std::size_t size = 0; size < whole.cmdline().size(); ++size) {
    auto cut = whole;
    cut.mutable_cmdline()->resize(size);
    EXPECT_THAT(read_announcement(cut), FailsAt(ErrorCode::cmdline_differs, "cmdline")) << size;
  }
}

TEST(Announcement, IsRefusedWithAnyBitOfTheCommandLineFlipped) {
  const auto whole = ImageForTest{1}.announcement();
  for (std::size_t bit = 0; bit < whole.cmdline().size() * 8; ++bit) {
    auto flipped = whole;
    auto& byte = (*flipped.mutable_cmdline())[bit / 8];
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
    EXPECT_THAT(read_announcement(flipped), FailsWith(ErrorCode::cmdline_differs));
  }
}

TEST(Announcement, NeedsTheHeadOfItsOwnImage) {
  auto request = ImageForTest{1}.announcement();
  request.set_head(ImageForTest{2}.announcement().head());
  EXPECT_THAT(read_announcement(request), FailsAt(ErrorCode::invalid_argument, "head"));
}

TEST(Announcement, NeedsTheHeadToBeAsLongAsTheManifestSays) {
  ImageForTest image{1};
  image.manifest.initramfs_head_size += 512;
  EXPECT_THAT(read_announcement(image.announcement()), FailsAt(ErrorCode::invalid_argument, "head"));
  ImageForTest followed{1};
  followed.head.resize(followed.head.size() + 512);
  followed.manifest.initramfs_head_size += 512;
  EXPECT_THAT(read_announcement(followed.announcement()), FailsAt(ErrorCode::invalid_argument, "head"));
}

TEST(Announcement, OfAnImageForSevHasNoHeadAndEveryOtherHasOne) {
  ImageForTest image{1};
  const auto head = image.head;
  image.become_one_for_sev();
  EXPECT_THAT(read_announcement(image.announcement()), Succeeds());
  image.head = head;
  EXPECT_THAT(read_announcement(image.announcement()), FailsAt(ErrorCode::invalid_argument, "head"));
  image.head.clear();
  for (const auto* tee : {"measured", "pef"}) {
    image.manifest.tee = tee;
    EXPECT_FALSE(read_announcement(image.announcement())) << tee;
  }
}

TEST(Announcement, NeedsSomethingBehindTheHead) {
  ImageForTest image{1};
  image.manifest.initramfs.size = image.manifest.initramfs_head_size;
  EXPECT_THAT(read_announcement(image.announcement()), FailsAt(ErrorCode::invalid_argument, "initramfs"));
}

TEST(Announcement, OfMoreThanTheObjectStoreTakesIsRefused) {
  ImageForTest image{1};
  image.manifest.root_disk.size = objects::kMaxObjectSize;
  EXPECT_THAT(read_announcement(image.announcement()), Succeeds());
  image.manifest.root_disk.size += 1;
  EXPECT_THAT(read_announcement(image.announcement()), FailsAt(ErrorCode::too_large, "rootdisk.luks"));
}

TEST(Announcement, MayExplainRefusalsWithALogOfBoundedSize) {
  auto request = ImageForTest{1}.announcement();
  request.set_reference_event_log(std::string(65536, 'x'));
  EXPECT_THAT(read_announcement(request), Succeeds());
  request.set_reference_event_log(std::string(65537, 'x'));
  EXPECT_THAT(read_announcement(request), FailsAt(ErrorCode::too_large, "reference_event_log"));
}

TEST(InstanceImage, ForSevIsLoadedFromTheWholeInitramfs) {
  ImageForTest image{1};
  image.become_one_for_sev();
  const auto instance = instance_image(to_document(image.announcement()));
  ASSERT_THAT(instance, Succeeds());
  EXPECT_EQ(instance->tee(), "sev");
  EXPECT_EQ(instance->head(), "");
  EXPECT_EQ(instance->initramfs_body().size(), image.manifest.initramfs.size);
  EXPECT_EQ(instance->initramfs_body().sha512(), as_text(image.digest("initramfs").view()));
}

TEST(InstanceImage, IsWhatTheManifestNames) {
  const ImageForTest image{1};
  auto request = image.announcement();
  request.set_reference_event_log("log");
  const auto instance = instance_image(to_document(request));
  ASSERT_THAT(instance, Succeeds());
  EXPECT_EQ(instance->image_id(), image.id());
  EXPECT_EQ(instance->tee(), "measured");
  EXPECT_EQ(instance->arch(), "x86_64");
  EXPECT_EQ(instance->cmdline(), image.cmdline);
  EXPECT_EQ(instance->head(), as_text(image.head));
  EXPECT_EQ(instance->reference_event_log(), "log");
  EXPECT_EQ(instance->kernel().sha512(), as_text(image.digest("kernel").view()));
  EXPECT_EQ(instance->kernel().size(), image.files.at("kernel").size());
  EXPECT_EQ(instance->initramfs_body().sha512(), as_text(image.digest("initramfs").view()));
  EXPECT_EQ(instance->initramfs_body().size(), image.files.at("initramfs").size());
  EXPECT_EQ(instance->root_disk().sha512(), as_text(image.digest("rootdisk.luks").view()));
  EXPECT_EQ(instance->root_disk().size(), image.files.at("rootdisk.luks").size());
}

}  // namespace
}  // namespace sealift::frontend
