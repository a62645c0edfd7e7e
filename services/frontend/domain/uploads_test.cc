// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/uploads.h"

#include <limits>
#include <thread>

#include "services/frontend/domain/frontend_for_test.h"

namespace sealift::frontend {
namespace {

constexpr auto kPart = objects::kPartSize;

class UploadsTest : public FrontendTest {
 protected:
  void announce(const ImageForTest& image, const std::string& tenant = "acme") {
    ASSERT_THAT(images_->create(tenant, image.announcement()), Succeeds());
  }
  std::uint64_t received(const ImageForTest& image, const std::string& file) {
    const auto whole = *images_->get("acme", image.id());
    for (const auto& described : whole.files()) {
      if (described.name() == file) return described.received();
    }
    ADD_FAILURE() << "no file " << file;
    return 0;
  }
  /// Three parts, the last one short.
  const ImageForTest large_{1, 0, 2 * kPart + 100};
  const std::string disk_ = "rootdisk.luks";
};

TEST_F(UploadsTest, MakeAnImageReadyWithTheLastByteOfItsLastFile) {
  const ImageForTest image{1};
  announce(image);
  EXPECT_FALSE(uploads_->put("acme", image.part("kernel"))->image_ready());
  EXPECT_TRUE(has_object(image.digest("kernel")));
  EXPECT_FALSE(uploads_->put("acme", image.part(disk_))->image_ready());
  const auto last = uploads_->put("acme", image.part("initramfs"));
  EXPECT_TRUE(last->image_ready());
  EXPECT_EQ(last->received(), image.files.at("initramfs").size());
  const auto described = *images_->get("acme", image.id());
  EXPECT_EQ(described.state(), v1::Image::STATE_READY);
  for (const auto& file : described.files()) EXPECT_TRUE(file.complete());
  EXPECT_EQ(unfinished_uploads(), 0U);
}

TEST_F(UploadsTest, GoOnWhereTheyWereInAnotherProcess) {
  announce(large_);
  EXPECT_EQ(uploads_->put("acme", large_.part(disk_, 0))->received(), kPart);
  restart();
  EXPECT_EQ(received(large_, disk_), kPart);
  EXPECT_EQ(uploads_->put("acme", large_.part(disk_, kPart))->received(), 2 * kPart);
  restart();
  EXPECT_EQ(uploads_->put("acme", large_.part(disk_, 2 * kPart))->received(), 2 * kPart + 100);
  EXPECT_TRUE(has_object(large_.digest(disk_)));
}

TEST_F(UploadsTest, AnswerPartsThatCameBeforeAsDone) {
  announce(large_);
  ASSERT_THAT(uploads_->put("acme", large_.part(disk_, 0)), Succeeds());
  ASSERT_THAT(uploads_->put("acme", large_.part(disk_, kPart)), Succeeds());
  EXPECT_EQ(uploads_->put("acme", large_.part(disk_, 0))->received(), 2 * kPart);
  EXPECT_EQ(uploads_->put("acme", large_.part(disk_, kPart))->received(), 2 * kPart);
  ASSERT_THAT(uploads_->put("acme", large_.part(disk_, 2 * kPart)), Succeeds());
  for (const auto offset : {std::uint64_t{0}, kPart, 2 * kPart})
    EXPECT_EQ(uploads_->put("acme", large_.part(disk_, offset))->received(), 2 * kPart + 100);
  EXPECT_TRUE(has_object(large_.digest(disk_)));
}

TEST_F(UploadsTest, RefusePartsOutOfOrder) {
  announce(large_);
  EXPECT_THAT(uploads_->put("acme", large_.part(disk_, kPart)),
              FailsAt(ErrorCode::failed_precondition, "offset"));
  ASSERT_THAT(uploads_->put("acme", large_.part(disk_, 0)), Succeeds());
  EXPECT_THAT(uploads_->put("acme", large_.part(disk_, 2 * kPart)),
              FailsAt(ErrorCode::failed_precondition, "offset"));
  EXPECT_EQ(received(large_, disk_), kPart);
}

TEST_F(UploadsTest, RefuseWhatIsNoPartOfTheFile) {
  announce(large_);
  auto part = large_.part(disk_, 0);
  for (const auto offset :
       {std::uint64_t{1}, kPart - 1, kPart + 1, 3 * kPart, std::uint64_t{1} << 63U,
        std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max() - kPart + 1}) {
    part.set_offset(offset);
    EXPECT_THAT(uploads_->put("acme", part), FailsAt(ErrorCode::invalid_argument, "offset")) << offset;
  }
  part.set_offset(0);
  for (const auto size : {std::size_t{0}, std::size_t{1}, kPart - 1, kPart + 1}) {
    part.mutable_data()->resize(size);
    EXPECT_THAT(uploads_->put("acme", part), FailsAt(ErrorCode::invalid_argument, "data")) << size;
  }
  part = large_.part(disk_, 0);
  part.set_file("initrd");
  EXPECT_THAT(uploads_->put("acme", part), FailsAt(ErrorCode::invalid_argument, "file"));
  EXPECT_EQ(received(large_, disk_), 0U);
}

TEST_F(UploadsTest, OfAnotherTenantsImageAreNotThere) {
  const ImageForTest image{1};
  announce(image);
  const auto others = uploads_->put("other", image.part("kernel"));
  EXPECT_THAT(others, FailsAt(ErrorCode::not_found, "image_id"));
  auto unknown = image.part("kernel");
  unknown.set_image_id(std::string(32, '0'));
  EXPECT_EQ(others.error().message, uploads_->put("other", unknown).error().message);
}

TEST_F(UploadsTest, OfOtherBytesThanAnnouncedBeginAgain) {
  const ImageForTest image{1};
  announce(image);
  auto altered = image.part("kernel");
  (*altered.mutable_data())[17] ^= 1;
  EXPECT_THAT(uploads_->put("acme", altered), FailsAt(ErrorCode::object_differs, "kernel"));
  EXPECT_FALSE(has_object(image.digest("kernel")));
  EXPECT_EQ(received(image, "kernel"), 0U);
  EXPECT_THAT(uploads_->put("acme", image.part("kernel")), Succeeds());
  EXPECT_TRUE(has_object(image.digest("kernel")));
  EXPECT_EQ(unfinished_uploads(), 0U);
}

TEST_F(UploadsTest, WithAnAlteredPartInTheMiddleBeginAgainAtTheEnd) {
  announce(large_);
  auto altered = large_.part(disk_, 0);
  (*altered.mutable_data())[0] ^= 1;
  ASSERT_THAT(uploads_->put("acme", altered), Succeeds());
  ASSERT_THAT(uploads_->put("acme", large_.part(disk_, kPart)), Succeeds());
  EXPECT_THAT(uploads_->put("acme", large_.part(disk_, 2 * kPart)), FailsWith(ErrorCode::object_differs));
  EXPECT_THAT(uploads_->put("acme", large_.part(disk_, kPart)), FailsWith(ErrorCode::failed_precondition));
  for (const auto& part : large_.parts()) EXPECT_THAT(uploads_->put("acme", part), Succeeds());
  EXPECT_EQ(images_->get("acme", large_.id())->state(), v1::Image::STATE_READY);
}

TEST_F(UploadsTest, LoseNothingThatWasAcknowledgedWhenTheDiskIsFull) {
  announce(large_);
  ASSERT_THAT(uploads_->put("acme", large_.part(disk_, 0)), Succeeds());
  objects_->fail_next(FaultyObjects::Call::append, ErrorCode::no_space);
  EXPECT_THAT(uploads_->put("acme", large_.part(disk_, kPart)), FailsWith(ErrorCode::no_space));
  EXPECT_EQ(received(large_, disk_), kPart);
  objects_->fail_next(FaultyObjects::Call::finish, ErrorCode::no_space);
  ASSERT_THAT(uploads_->put("acme", large_.part(disk_, kPart)), Succeeds());
  EXPECT_THAT(uploads_->put("acme", large_.part(disk_, 2 * kPart)), FailsWith(ErrorCode::no_space));
  EXPECT_EQ(received(large_, disk_), 2 * kPart);
  EXPECT_EQ(uploads_->put("acme", large_.part(disk_, 2 * kPart))->received(), 2 * kPart + 100);
}

TEST_F(UploadsTest, SurviveAKillBetweenTheObjectStoreAndTheDatabase) {
  announce(large_);
  for (const auto& part : large_.parts()) {
    objects_->fail_next(FaultyObjects::Call::append, ErrorCode::unavailable, /*afterwards=*/true);
    EXPECT_THAT(uploads_->put("acme", part), FailsWith(ErrorCode::unavailable));
    restart();
    EXPECT_THAT(uploads_->put("acme", part), Succeeds());
  }
  EXPECT_EQ(images_->get("acme", large_.id())->state(), v1::Image::STATE_READY);
}

TEST_F(UploadsTest, SurviveAKillAfterTheObjectBecameVisible) {
  const ImageForTest image{1};
  announce(image);
  objects_->fail_next(FaultyObjects::Call::finish, ErrorCode::unavailable, /*afterwards=*/true);
  EXPECT_THAT(uploads_->put("acme", image.part("kernel")), FailsWith(ErrorCode::unavailable));
  EXPECT_EQ(received(image, "kernel"), 0U);  // the last part is asked for again
  restart();
  EXPECT_EQ(uploads_->put("acme", image.part("kernel"))->received(), image.files.at("kernel").size());
}

TEST_F(UploadsTest, BeginAgainWhereTheObjectStoreForgotThem) {
  announce(large_);
  ASSERT_THAT(uploads_->put("acme", large_.part(disk_, 0)), Succeeds());
  std::filesystem::remove_all(directory_.path() / "objects" / "uploads");
  restart();
  EXPECT_THAT(uploads_->put("acme", large_.part(disk_, kPart)), FailsAt(ErrorCode::conflict, disk_));
  EXPECT_EQ(received(large_, disk_), 0U);
  for (const auto& part : large_.parts()) EXPECT_THAT(uploads_->put("acme", part), Succeeds());
}

TEST_F(UploadsTest, OfOneFileBySeveralAtOnceEndWithOneFile) {
  announce(large_);
  std::vector<std::jthread> clients;
  for (int client = 0; client < 4; ++client) {
    clients.emplace_back([this] {
      for (const auto& part : large_.parts()) {
        // "The same file is sent several times at once": a client tries again.
        auto sent = uploads_->put("acme", part);
        while (!sent && sent.error().code == ErrorCode::unavailable) sent = uploads_->put("acme", part);
        EXPECT_THAT(sent, Succeeds());
      }
    });
  }
  clients.clear();
  EXPECT_EQ(images_->get("acme", large_.id())->state(), v1::Image::STATE_READY);
  EXPECT_EQ(unfinished_uploads(), 0U);
}

TEST_F(UploadsTest, WaitWhileAnOlderCopyOfTheFileIsRemoved) {
  const ImageForTest image{1};
  upload("other", image);
  objects_->fail_next(FaultyObjects::Call::remove, ErrorCode::unavailable);
  ASSERT_THAT(images_->remove(zone_, "other", image.id()), Succeeds());
  announce(image);
  // All three are claimed, and none was ended.
  EXPECT_THAT(uploads_->put("acme", image.part("kernel")), FailsWith(ErrorCode::unavailable));
  clock_.advance(terms_.limits.removal);
  ASSERT_THAT(housekeeping_->run(), Succeeds());
  for (const auto& part : image.parts()) EXPECT_THAT(uploads_->put("acme", part), Succeeds());
  ASSERT_THAT(housekeeping_->run(), Succeeds());
  for (const auto& [name, bytes] : image.files) EXPECT_TRUE(has_object(image.digest(name))) << name;
}

TEST_F(UploadsTest, OfAnImageThatIsDeletedMeanwhileLeaveNothing) {
  const ImageForTest image{1};
  announce(image);
  objects_->before_finish = [&] { EXPECT_THAT(images_->remove(zone_, "acme", image.id()), Succeeds()); };
  EXPECT_THAT(uploads_->put("acme", image.part("kernel")), FailsWith(ErrorCode::not_found));
  ASSERT_THAT(housekeeping_->run(), Succeeds());
  EXPECT_FALSE(has_object(image.digest("kernel")));
  EXPECT_EQ(unfinished_uploads(), 0U);
}

}  // namespace
}  // namespace sealift::frontend
