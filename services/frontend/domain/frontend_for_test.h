// SPDX-License-Identifier: Apache-2.0
/// For tests: a front end's domain on a real database and a real object store in a directory.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/matchers.h"
#include "services/frontend/domain/housekeeping.h"
#include "services/frontend/domain/image_for_test.h"
#include "services/frontend/domain/images.h"
#include "services/frontend/domain/launches.h"
#include "services/frontend/domain/uploads.h"
#include "services/frontend/domain/zone_for_test.h"
#include "store/schemas.h"

namespace sealift::frontend {

/// An object store of which single calls fail.
class FaultyObjects final : public objects::ObjectStore {
 public:
  enum class Call { none, begin, append, finish, remove };
  explicit FaultyObjects(objects::ObjectStore& store) : store_{store} {}
  /// The next call of that kind: fails before it does anything, or after it did everything.
  void fail_next(Call call, ErrorCode code, bool afterwards = false) {
    call_ = call;
    code_ = code;
    afterwards_ = afterwards;
  }
  /// Runs before each finish(), once.
  std::function<void()> before_finish;

  Status check() override { return store_.check(); }
  Result<std::optional<std::uint64_t>> stat(const objects::ObjectKey& key) override {
    return store_.stat(key);
  }
  Result<objects::UploadState> begin(const crypto::Digest& sha512, std::uint64_t size) override {
    return at<Result<objects::UploadState>>(Call::begin, [&] { return store_.begin(sha512, size); });
  }
  Result<objects::UploadState> append(const objects::UploadState& state, std::uint64_t offset,
                                      ByteView bytes) override {
    return at<Result<objects::UploadState>>(Call::append,
                                            [&] { return store_.append(state, offset, bytes); });
  }
  Status finish(const objects::UploadState& state) override {
    if (before_finish) std::exchange(before_finish, nullptr)();
    return at<Status>(Call::finish, [&] { return store_.finish(state); });
  }
  void abandon(const objects::UploadState& state) override { store_.abandon(state); }
  Status put(const objects::ObjectKey& key, ByteView bytes) override { return store_.put(key, bytes); }
  Status remove(const objects::ObjectKey& key) override {
    return at<Status>(Call::remove, [&] { return store_.remove(key); });
  }
  Result<Bytes> read(const objects::ObjectKey& key, std::uint64_t offset, std::size_t size) override {
    return store_.read(key, offset, size);
  }
  Result<objects::Location> location(const objects::ObjectKey& key, std::chrono::seconds lifetime) override {
    return store_.location(key, lifetime);
  }

 private:
  template <typename R, typename F>
  R at(Call call, F work) {
    if (call != call_) return work();
    call_ = Call::none;
    if (afterwards_) {
      EXPECT_THAT(work(), Succeeds());
    }
    return fail(code_, "a fault of the test's");
  }
  objects::ObjectStore& store_;
  Call call_ = Call::none;
  ErrorCode code_ = ErrorCode::internal;
  bool afterwards_ = false;
};

class FrontendTest : public ::testing::Test {
 protected:
  FrontendTest();

  /// Another process on the same database and objects.
  void restart();

  /// Announces and uploads it.
  void upload(const std::string& tenant, const ImageForTest& image);
  bool has_object(const crypto::Digest& digest);
  /// Files that belong to no finished object.
  std::size_t unfinished_uploads() const;

  TemporaryDirectory directory_;
  FakeClock clock_{TimePoint{std::chrono::seconds{1'700'000'000}}};
  Terms terms_;
  ZoneForTest zone_;

  std::unique_ptr<sql::Database> database_;
  std::unique_ptr<store::ImageStore> image_store_;
  std::unique_ptr<store::UploadStore> upload_store_;
  std::unique_ptr<store::ObjectUseStore> use_store_;
  std::unique_ptr<store::QuoteStore> quote_store_;
  std::unique_ptr<store::SealedHeadStore> sealed_store_;
  std::unique_ptr<objects::ObjectStore> object_store_;
  std::unique_ptr<FaultyObjects> objects_;
  std::unique_ptr<Images> images_;
  std::unique_ptr<Uploads> uploads_;
  std::unique_ptr<SealedHeads> sealed_;
  std::unique_ptr<Launches> launches_;
  std::unique_ptr<Housekeeping> housekeeping_;
};

}  // namespace sealift::frontend
