// SPDX-License-Identifier: Apache-2.0
#include "store/audit.h"

#include "store/conformance_for_test.h"

namespace sealift::store {
namespace {

class Audit : public ConformanceOf<Schema::keys> {
 protected:
  void SetUp() override {
    ConformanceOf::SetUp();
    store_ = make_audit_store(database());
    ASSERT_THAT(store_->put_key_if_absent({7}), Succeeds());
  }
  /// `count` entries whose text is `text`.
  Status append(int count, const std::string& text) {
    return store_->append([&](const AuditHeadRecord& head) -> Result<AuditAppend> {
      AuditAppend added;
      for (int i = 0; i < count; ++i)
        added.entries.push_back(
            {head.size + i, "acme", bytes(text), Bytes(32, static_cast<std::uint8_t>(i))});
      added.document = head.document;
      added.document.push_back(static_cast<std::uint8_t>(count));
      return added;
    });
  }
  std::unique_ptr<AuditStore> store_;
};
SEALIFT_CONFORMANCE(Audit);

TEST_P(Audit, KeepsItsFirstKey) { EXPECT_EQ(*store_->put_key_if_absent({8}), Bytes{7}); }

TEST_P(Audit, IsReadBackInItsOrder) {
  EXPECT_EQ(store_->head()->size, 0);
  EXPECT_EQ(store_->head()->document, Bytes{});
  ASSERT_THAT(append(2, "a"), Succeeds());
  ASSERT_THAT(append(3, "b"), Succeeds());
  EXPECT_EQ(store_->head()->size, 5);
  EXPECT_EQ(store_->head()->document, (Bytes{2, 3}));
  const auto page = *store_->list(1, 3);
  ASSERT_EQ(page.size(), 3U);
  EXPECT_EQ(page[0].index, 1);
  EXPECT_EQ(page[0].entry, bytes("a"));
  EXPECT_EQ(page[1].entry, bytes("b"));
  EXPECT_EQ(page[2].index, 3);
  EXPECT_EQ(page[2].tenant, "acme");
  EXPECT_EQ(*store_->hashes(1), Bytes(32, 1));
  EXPECT_THAT(store_->hashes(5), FailsWith(ErrorCode::not_found));
}

TEST_P(Audit, GivesEveryPlaceOnceToThoseWhoAppendAtTheSameTime) {
  const auto other = open(Schema::keys);
  const auto theirs = make_audit_store(*other);
  in_threads(8, [&](int i) {
    auto& store = i % 2 == 0 ? *store_ : *theirs;
    for (int n = 0; n < 10; ++n) {
      EXPECT_THAT(store.append([&](const AuditHeadRecord& head) -> Result<AuditAppend> {
        // The head belongs to the entries before it: nobody came between.
        EXPECT_EQ(static_cast<std::size_t>(head.size), head.document.size());
        auto document = head.document;
        document.push_back(1);
        return AuditAppend{{{head.size, "acme", {}, {}}}, std::move(document)};
      }),
                  Succeeds());
    }
  });
  EXPECT_EQ(store_->head()->size, 80);
  EXPECT_EQ(store_->list(0, 1000)->size(), 80U);
}

TEST_P(Audit, KeepsNothingOfAnAppendThatFails) {
  ASSERT_THAT(append(1, "a"), Succeeds());
  EXPECT_THAT(store_->append([](const AuditHeadRecord&) -> Result<AuditAppend> {
    return fail(ErrorCode::conflict, "no");
  }),
              FailsWith(ErrorCode::conflict));
  EXPECT_THAT(store_->append([](const AuditHeadRecord&) -> Result<AuditAppend> {
    return AuditAppend{{{0, "acme", {}, {}}}, {9}};  // a place that is taken
  }),
              FailsWith(ErrorCode::already_exists));
  EXPECT_EQ(store_->head()->size, 1);
  EXPECT_EQ(store_->head()->document, Bytes{1});
}

}  // namespace
}  // namespace sealift::store
