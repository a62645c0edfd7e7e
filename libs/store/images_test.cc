// SPDX-License-Identifier: Apache-2.0
#include "store/images.h"

#include "store/conformance_for_test.h"
#include "store/images_for_test.h"

namespace sealift::store {
namespace {

using namespace for_test;

class Images : public ConformanceOf<Schema::images> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    store_ = make_image_store(database());
  }
  Result<ImageRecord> create(const ImageRecord& record, const ImageQuota& quota = kAmple) {
    return store_->create(record, bytes("document"), quota);
  }
  void complete(const std::string& tenant, const std::string& id) {
    for (const auto* file : {"kernel", "disk"})
      ASSERT_THAT(store_->complete_file(tenant, id, file), Succeeds());
  }
  void remove(const std::string& tenant, const std::string& id) {
    ASSERT_THAT(store_->begin_deletion(tenant, id), Succeeds());
    ASSERT_THAT(store_->remove(tenant, id), Succeeds());
  }
  std::unique_ptr<ImageStore> store_;
};
SEALIFT_CONFORMANCE(Images);

TEST_P(Images, AreReadBackAsTheyWereCreated) {
  ASSERT_THAT(create(image("acme", "i1")), Succeeds());
  const auto read = store_->get("acme", "i1");
  ASSERT_THAT(read, Succeeds());
  EXPECT_EQ(read->tenant, "acme");
  EXPECT_EQ(read->image_id, "i1");
  EXPECT_EQ(read->state, ImageState::uploading);
  EXPECT_EQ(read->tee, "measured");
  EXPECT_EQ(read->arch, "x86_64");
  EXPECT_EQ(read->memory_mib, 512);
  EXPECT_EQ(read->created_at, 1000);
  ASSERT_EQ(read->files.size(), 2U);
  EXPECT_EQ(read->files[0].name, "kernel");
  EXPECT_EQ(read->files[0].digest, digest('k'));
  EXPECT_EQ(read->files[0].size, 100);
  EXPECT_FALSE(read->files[0].complete);
  EXPECT_EQ(read->files[1].name, "disk");
  EXPECT_EQ(*store_->document("acme", "i1"), bytes("document"));
}

TEST_P(Images, AreCreatedOnce) {
  ASSERT_THAT(create(image("acme", "i1")), Succeeds());
  EXPECT_THAT(create(image("acme", "i1")), FailsWith(ErrorCode::already_exists));
}

TEST_P(Images, OfAnotherTenantAreNotThere) {
  ASSERT_THAT(create(image("acme", "i1")), Succeeds());
  EXPECT_THAT(store_->get("other", "i1"), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(store_->document("other", "i1"), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(store_->complete_file("other", "i1", "kernel"), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(store_->begin_deletion("other", "i1"), FailsWith(ErrorCode::not_found));
  EXPECT_TRUE(store_->list("other", "", 10)->empty());
  EXPECT_THAT(create(image("other", "i1")), Succeeds());
  remove("other", "i1");
  EXPECT_THAT(store_->get("acme", "i1"), Succeeds());
}

TEST_P(Images, AreListedInPagesInTheOrderOfTheBytesOfTheirIds) {
  for (const auto* id : {"b", "a", "B", "a-", "\xC3\xA4"}) ASSERT_THAT(create(image("acme", id)), Succeeds());
  std::vector<std::string> seen;
  std::string after;
  for (auto page = store_->list("acme", after, 2); !page->empty(); page = store_->list("acme", after, 2)) {
    EXPECT_LE(page->size(), 2U);
    for (const auto& record : *page) {
      seen.push_back(record.image_id);
      ASSERT_EQ(record.files.size(), 2U);
      EXPECT_EQ(record.files[1].name, "disk");
    }
    after = seen.back();
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"B", "a", "a-", "b", "\xC3\xA4"}));
}

TEST_P(Images, AreReadyWithTheirLastFile) {
  ASSERT_THAT(create(image("acme", "i1")), Succeeds());
  const auto first = *store_->complete_file("acme", "i1", "disk");
  EXPECT_EQ(first.state, ImageState::uploading);
  EXPECT_FALSE(first.files[0].complete);
  EXPECT_TRUE(first.files[1].complete);
  EXPECT_EQ(store_->complete_file("acme", "i1", "disk")->state, ImageState::uploading);
  EXPECT_EQ(store_->complete_file("acme", "i1", "kernel")->state, ImageState::ready);
  EXPECT_EQ(store_->get("acme", "i1")->state, ImageState::ready);
  EXPECT_THAT(store_->complete_file("acme", "i1", "initrd"), FailsWith(ErrorCode::not_found));
}

TEST_P(Images, AreReadyAlsoWhereTheLastFilesAreCompleteAtOnce) {
  for (int round = 0; round < 20; ++round) {
    const auto id = "i" + std::to_string(round);
    const auto byte = static_cast<char>(round);
    ASSERT_THAT(create(image("acme", id, digest(byte), digest(byte))), Succeeds());
    std::atomic<int> ready = 0;
    in_threads(2, [&](int i) {
      const auto done = store_->complete_file("acme", id, i == 0 ? "kernel" : "disk");
      if (done && done->state == ImageState::ready) ++ready;
    });
    EXPECT_GE(ready, 1);
    EXPECT_EQ(store_->get("acme", id)->state, ImageState::ready);
  }
}

TEST_P(Images, TakeOverFilesThatTheSameTenantHasComplete) {
  ASSERT_THAT(create(image("acme", "i1")), Succeeds());
  ASSERT_THAT(store_->complete_file("acme", "i1", "kernel"), Succeeds());
  const auto half = *create(image("acme", "i2"));
  EXPECT_TRUE(half.files[0].complete);
  EXPECT_FALSE(half.files[1].complete);
  EXPECT_EQ(half.state, ImageState::uploading);
  ASSERT_THAT(store_->complete_file("acme", "i1", "disk"), Succeeds());
  EXPECT_EQ(create(image("acme", "i3"))->state, ImageState::ready);
}

TEST_P(Images, TakeOverNothingFromAnotherTenantNorOfAnotherSize) {
  ASSERT_THAT(create(image("acme", "i1")), Succeeds());
  complete("acme", "i1");
  EXPECT_FALSE(create(image("other", "i1"))->files[0].complete);
  auto larger = image("acme", "i2");
  larger.files[0].size += 1;
  EXPECT_FALSE(create(larger)->files[0].complete);
}

TEST_P(Images, StayWithinTheTenantsQuota) {
  ASSERT_THAT(create(image("acme", "i1"), {2, 10'000}), Succeeds());
  ASSERT_THAT(create(image("acme", "i2"), {2, 10'000}), Succeeds());
  EXPECT_THAT(create(image("acme", "i3"), {2, 10'000}), FailsWith(ErrorCode::resource_exhausted));
  EXPECT_THAT(store_->get("acme", "i3"), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(create(image("other", "i3"), {2, 10'000}), Succeeds());
  EXPECT_THAT(create(image("acme", "i3"), {9, 899}), FailsWith(ErrorCode::resource_exhausted));
  EXPECT_THAT(create(image("acme", "i3"), {9, 900}), Succeeds());
  EXPECT_THAT(create(image("acme", "i3"), {3, 900}), FailsWith(ErrorCode::already_exists));
  remove("acme", "i1");
  EXPECT_THAT(create(image("acme", "i4"), {3, 900}), Succeeds());
}

TEST_P(Images, StayWithinTheQuotaWhereManyAreCreatedAtOnce) {
  std::atomic<int> made = 0;
  in_threads(8, [&](int i) {
    if (create(image("acme", "i" + std::to_string(i)), {3, 1'000'000})) ++made;
  });
  EXPECT_EQ(made, 3);
}

TEST_P(Images, ThatAreBeingDeletedTakeNoMoreFiles) {
  ASSERT_THAT(create(image("acme", "i1")), Succeeds());
  ASSERT_THAT(store_->begin_deletion("acme", "i1"), Succeeds());
  EXPECT_EQ(store_->get("acme", "i1")->state, ImageState::deleting);
  EXPECT_THAT(store_->complete_file("acme", "i1", "kernel"), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(create(image("acme", "i1")), FailsWith(ErrorCode::already_exists));
  EXPECT_THAT(store_->begin_deletion("acme", "i1"), Succeeds());
  EXPECT_THAT(store_->remove("acme", "i1"), Succeeds());
  EXPECT_THAT(store_->get("acme", "i1"), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(store_->remove("acme", "i1"), Succeeds());
  EXPECT_THAT(create(image("acme", "i1")), Succeeds());
}

TEST_P(Images, AreRemovedOnlyAfterTheirDeletionBegan) {
  ASSERT_THAT(create(image("acme", "i1")), Succeeds());
  EXPECT_THAT(store_->remove("acme", "i1"), Succeeds());
  EXPECT_THAT(store_->get("acme", "i1"), Succeeds());
}

TEST_P(Images, ThatNobodyFinishedAreFoundWithThoseBeingDeleted) {
  for (const auto* id : {"i1", "i2", "i3", "i4"}) ASSERT_THAT(create(image("acme", id)), Succeeds());
  complete("acme", "i1");
  ASSERT_THAT(store_->touch("acme", "i2", 2000), Succeeds());
  ASSERT_THAT(store_->touch("acme", "i4", 2000), Succeeds());
  ASSERT_THAT(store_->begin_deletion("acme", "i4"), Succeeds());
  const auto found = *store_->list_abandoned(1500, 10);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].image_id, "i4");
  EXPECT_EQ(found[1].image_id, "i3");
  EXPECT_EQ(found[1].tenant, "acme");
  EXPECT_EQ(store_->list_abandoned(2001, 10)->size(), 3U);
  EXPECT_EQ(store_->list_abandoned(2001, 1)->size(), 1U);
  // Late news of one that is being deleted changes nothing.
  ASSERT_THAT(store_->touch("acme", "i4", 3000), Succeeds());
  EXPECT_EQ(store_->list_abandoned(1500, 10)->size(), 2U);
}

TEST_P(Images, KeepIdsThatLookLikeStatements) {
  const std::string id = "'; DROP TABLE images; --";
  ASSERT_THAT(create(image("acme", id)), Succeeds());
  EXPECT_EQ(store_->get("acme", id)->image_id, id);
}

TEST_P(Images, RefuseIdsThatTheTwoDatabasesWouldReadDifferently) {
  using namespace std::string_literals;
  for (const auto& id : {"a\0b"s, "\xFF"s, "\xC3"s, "\xED\xA0\x80"s, "\xC0\x80"s, "\xF4\x90\x80\x80"s}) {
    EXPECT_THAT(create(image("acme", id)), FailsWith(ErrorCode::invalid_argument));
    EXPECT_THAT(store_->get("acme", id), FailsWith(ErrorCode::invalid_argument));
  }
}

}  // namespace
}  // namespace sealift::store
