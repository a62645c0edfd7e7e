// SPDX-License-Identifier: Apache-2.0
#include "store/images.h"

#include "store/conformance_for_test.h"

namespace sealift::store {
namespace {

ImageRecord image(const std::string& tenant, const std::string& id) {
  ImageRecord record;
  record.tenant = tenant;
  record.image_id = id;
  record.manifest = {0, 1, 0, 255};
  record.created_at = 1'700'000'000;
  return record;
}

class Images : public ConformanceOf<Schema::images> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    store_ = make_image_store(database());
  }
  std::unique_ptr<ImageStore> store_;
};
SEALIFT_CONFORMANCE(Images);

TEST_P(Images, AreReadBackAsTheyWereCreated) {
  ASSERT_THAT(store_->create(image("acme", "i1")), Succeeds());
  const auto read = store_->get("acme", "i1");
  ASSERT_THAT(read, Succeeds());
  EXPECT_EQ(read->tenant, "acme");
  EXPECT_EQ(read->image_id, "i1");
  EXPECT_EQ(read->state, ImageState::uploading);
  EXPECT_EQ(read->manifest, (Bytes{0, 1, 0, 255}));
  EXPECT_EQ(read->created_at, 1'700'000'000);
  EXPECT_EQ(read->version, 1);
}

TEST_P(Images, MayHaveAnEmptyManifest) {
  auto empty = image("acme", "i1");
  empty.manifest.clear();
  ASSERT_THAT(store_->create(empty), Succeeds());
  EXPECT_EQ(store_->get("acme", "i1")->manifest, Bytes{});
}

TEST_P(Images, AreCreatedOnce) {
  ASSERT_THAT(store_->create(image("acme", "i1")), Succeeds());
  EXPECT_THAT(store_->create(image("acme", "i1")), FailsWith(ErrorCode::already_exists));
}

TEST_P(Images, OfAnotherTenantAreNotThere) {
  ASSERT_THAT(store_->create(image("acme", "i1")), Succeeds());
  EXPECT_THAT(store_->get("other", "i1"), FailsWith(ErrorCode::not_found));
  EXPECT_TRUE(store_->list("other", "", 10)->empty());
  EXPECT_THAT(store_->create(image("other", "i1")), Succeeds());
  EXPECT_THAT(store_->remove("other", "i1"), Succeeds());
  EXPECT_THAT(store_->get("acme", "i1"), Succeeds());
}

TEST_P(Images, AreUpdatedByWhoSawTheLastVersion) {
  ASSERT_THAT(store_->create(image("acme", "i1")), Succeeds());
  auto record = *store_->get("acme", "i1");
  record.state = ImageState::ready;
  record.manifest = bytes("new");
  EXPECT_EQ(*store_->update(record), 2);
  EXPECT_EQ(store_->get("acme", "i1")->state, ImageState::ready);
  EXPECT_EQ(store_->get("acme", "i1")->manifest, bytes("new"));
  EXPECT_THAT(store_->update(record), FailsWith(ErrorCode::conflict));
  record.image_id = "i2";
  EXPECT_THAT(store_->update(record), FailsWith(ErrorCode::not_found));
}

TEST_P(Images, AreListedInPagesInTheOrderOfTheBytesOfTheirIds) {
  for (const auto* id : {"b", "a", "B", "a-", "\xC3\xA4"})
    ASSERT_THAT(store_->create(image("acme", id)), Succeeds());
  std::vector<std::string> seen;
  std::string after;
  for (auto page = store_->list("acme", after, 2); !page->empty(); page = store_->list("acme", after, 2)) {
    EXPECT_LE(page->size(), 2U);
    for (const auto& record : *page) seen.push_back(record.image_id);
    after = seen.back();
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"B", "a", "a-", "b", "\xC3\xA4"}));
}

TEST_P(Images, AreRemovedAlsoWhereThereIsNone) {
  ASSERT_THAT(store_->create(image("acme", "i1")), Succeeds());
  EXPECT_THAT(store_->remove("acme", "i1"), Succeeds());
  EXPECT_THAT(store_->get("acme", "i1"), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(store_->remove("acme", "i1"), Succeeds());
}

TEST_P(Images, KeepIdsThatLookLikeStatements) {
  const std::string id = "'; DROP TABLE images; --";
  ASSERT_THAT(store_->create(image("acme", id)), Succeeds());
  EXPECT_EQ(store_->get("acme", id)->image_id, id);
}

TEST_P(Images, RefuseIdsThatTheTwoDatabasesWouldReadDifferently) {
  using namespace std::string_literals;
  for (const auto& id : {"a\0b"s, "\xFF"s, "\xC3"s, "\xED\xA0\x80"s, "\xC0\x80"s, "\xF4\x90\x80\x80"s}) {
    EXPECT_THAT(store_->create(image("acme", id)), FailsWith(ErrorCode::invalid_argument));
    EXPECT_THAT(store_->get("acme", id), FailsWith(ErrorCode::invalid_argument));
  }
}

TEST_P(Images, HaveOneWinnerWhereManyUpdateTheSameVersion) {
  ASSERT_THAT(store_->create(image("acme", "i1")), Succeeds());
  const auto seen = *store_->get("acme", "i1");
  std::atomic<int> won = 0;
  std::atomic<int> lost = 0;
  in_threads(8, [&](int i) {
    auto mine = seen;
    mine.manifest = {static_cast<std::uint8_t>(i)};
    const auto updated = store_->update(mine);
    if (updated) ++won;
    if (!updated && updated.error().code == ErrorCode::conflict) ++lost;
  });
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 7);
}

UploadRecord upload(const std::string& tenant, const std::string& id, const std::string& image_id) {
  UploadRecord record;
  record.tenant = tenant;
  record.upload_id = id;
  record.image_id = image_id;
  record.file = "kernel";
  record.digest = Bytes(64, 7);
  record.size = std::int64_t{1} << 40;
  record.updated_at = 1000;
  return record;
}

class Uploads : public ConformanceOf<Schema::images> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    store_ = make_upload_store(database());
  }
  std::unique_ptr<UploadStore> store_;
};
SEALIFT_CONFORMANCE(Uploads);

TEST_P(Uploads, AreReadBackAsTheyWereCreatedAndUpdated) {
  ASSERT_THAT(store_->create(upload("acme", "u1", "i1")), Succeeds());
  EXPECT_THAT(store_->create(upload("acme", "u1", "i1")), FailsWith(ErrorCode::already_exists));
  auto record = *store_->get("acme", "u1");
  EXPECT_EQ(record.file, "kernel");
  EXPECT_EQ(record.digest, Bytes(64, 7));
  EXPECT_EQ(record.size, std::int64_t{1} << 40);
  EXPECT_EQ(record.received, 0);
  record.received = 8 << 20;
  record.store_state = bytes("part 1");
  record.updated_at = 1010;
  EXPECT_EQ(*store_->update(record), 2);
  EXPECT_THAT(store_->update(record), FailsWith(ErrorCode::conflict));
  const auto again = *store_->get("acme", "u1");
  EXPECT_EQ(again.received, 8 << 20);
  EXPECT_EQ(again.store_state, bytes("part 1"));
  EXPECT_EQ(again.updated_at, 1010);
}

TEST_P(Uploads, AreListedForTheirImageAlone) {
  for (const auto* id : {"u1", "u2", "u3"}) ASSERT_THAT(store_->create(upload("acme", id, "i1")), Succeeds());
  ASSERT_THAT(store_->create(upload("acme", "u4", "i2")), Succeeds());
  ASSERT_THAT(store_->create(upload("other", "u5", "i1")), Succeeds());
  const auto page = *store_->list_of_image("acme", "i1", "u1", 10);
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[0].upload_id, "u2");
  EXPECT_EQ(page[1].upload_id, "u3");
}

TEST_P(Uploads, ThatAreStaleAreFoundTheOldestFirst) {
  for (int age = 0; age < 4; ++age) {
    auto record = upload("acme", "u" + std::to_string(age), "i1");
    record.updated_at = 1000 - age;
    ASSERT_THAT(store_->create(record), Succeeds());
  }
  const auto stale = *store_->list_stale(1000, 2);
  ASSERT_EQ(stale.size(), 2U);
  EXPECT_EQ(stale[0].upload_id, "u3");
  EXPECT_EQ(stale[1].upload_id, "u2");
  EXPECT_THAT(store_->remove("acme", "u3"), Succeeds());
  EXPECT_EQ(store_->list_stale(1000, 10)->size(), 2U);
}

}  // namespace
}  // namespace sealift::store
