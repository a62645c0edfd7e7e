// SPDX-License-Identifier: Apache-2.0
#include "store/conformance_for_test.h"
#include "store/images.h"

namespace sealift::store {
namespace {

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
