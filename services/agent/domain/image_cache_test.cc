// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/image_cache.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/file.h"
#include "base/matchers.h"
#include "services/agent/domain/fakes_for_test.h"

namespace sealift::agent {
namespace {

namespace fs = std::filesystem;

/// A store that has everything: the content of an object is its URL.
class Store final : public Objects {
 public:
  Status fetch(const ObjectOrder& object, const fs::path& destination, const std::stop_token& stop) override {
    ++fetched;
    while (blocked && !stop.stop_requested()) std::this_thread::yield();
    if (stop.stop_requested()) return fail(ErrorCode::canceled, "interrupted");
    if (room-- <= 0) {
      EXPECT_THAT(put_file(destination.string() + ".part", as_bytes("half")), Succeeds());
      return fail(ErrorCode::no_space, "the disk is full");
    }
    return put_file(destination, as_bytes(object.url));
  }
  Status fetch_fleeting(const ObjectOrder& object, const fs::path& destination,
                        const std::stop_token& stop) override {
    return fetch(object, destination, stop);
  }
  std::atomic<int> fetched = 0;
  std::atomic<bool> blocked = false;
  std::atomic<int> room = 1000;
};

class ImageCacheTest : public ::testing::Test {
 protected:
  static ObjectOrder object(const std::string& content) {
    return {content, crypto::digest(crypto::HashAlgorithm::sha512, as_bytes(content)), content.size()};
  }
  Result<ImageCache::Use> get(const std::string& content, const std::stop_token& stop = {}) {
    return cache_->get(object(content), stop);
  }
  void restart(std::uint64_t limit = 10) {
    cache_ = std::make_unique<ImageCache>(directory_.path() / "cache", limit, store_);
    ASSERT_THAT(cache_->open(), Succeeds());
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator{directory_.path() / "cache"}, {}));
  }
  void SetUp() override { restart(); }

  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  Store store_;
  std::unique_ptr<ImageCache> cache_;
};

TEST_F(ImageCacheTest, FetchesOnceWhatManyWant) {
  store_.blocked = true;
  std::vector<std::jthread> wanting;
  std::atomic<int> got = 0;
  for (int i = 0; i < 8; ++i) wanting.emplace_back([&] { got += get("kernel").has_value() ? 1 : 0; });
  ASSERT_TRUE(eventually([&] { return store_.fetched == 1; }));
  store_.blocked = false;
  wanting.clear();
  EXPECT_EQ(got, 8);
  EXPECT_EQ(store_.fetched, 1);
  EXPECT_EQ(as_text(read_file(**get("kernel"), 10).value()), "kernel");
}

TEST_F(ImageCacheTest, RemovesTheLeastRecentlyUsedFirst) {
  for (const auto* name : {"aaaa", "bbbb"}) ASSERT_THAT(get(name), Succeeds());
  ASSERT_THAT(get("aaaa"), Succeeds());
  ASSERT_THAT(get("cccc"), Succeeds());
  EXPECT_NE(cache_->hold(object("aaaa").sha512), nullptr);
  EXPECT_EQ(cache_->hold(object("bbbb").sha512), nullptr);
  EXPECT_EQ(files(), 2U);
}

TEST_F(ImageCacheTest, NeverRemovesWhatIsUsed) {
  auto used = get("aaaa").value();
  auto also = get("bbbb").value();
  EXPECT_THAT(get("cccc"), FailsAt(ErrorCode::no_space, "size"));
  EXPECT_TRUE(fs::exists(*used));
  also.reset();
  ASSERT_THAT(get("cccc"), Succeeds());
  EXPECT_TRUE(fs::exists(*used));
}

TEST_F(ImageCacheTest, RefusesWhatIsLargerThanItself) {
  EXPECT_THAT(get("12345678901"), FailsAt(ErrorCode::no_space, "size"));
  auto endless = object("a");
  endless.size = ~std::uint64_t{0};
  EXPECT_THAT(cache_->get(endless, {}), FailsAt(ErrorCode::no_space, "size"));
  EXPECT_EQ(store_.fetched, 0);
}

TEST_F(ImageCacheTest, MakesRoomOnADiskThatIsSmallerThanItsBound) {
  ASSERT_THAT(get("aaaa"), Succeeds());
  store_.room = 0;
  EXPECT_THAT(get("bbbb"), FailsWith(ErrorCode::no_space));
  EXPECT_EQ(store_.fetched, 3) << "again after the other object had gone";
  EXPECT_EQ(files(), 0U) << "nothing half-written stays";
  store_.room = 1;
  EXPECT_THAT(get("bbbb"), Succeeds());
}

TEST_F(ImageCacheTest, RefusesAnotherSizeForTheSameDigest) {
  ASSERT_THAT(get("aaaa"), Succeeds());
  auto other = object("aaaa");
  other.size = 5;
  EXPECT_THAT(cache_->get(other, {}), FailsAt(ErrorCode::object_differs, "size"));
}

TEST_F(ImageCacheTest, ForgetsATransferThatWasInterrupted) {
  store_.blocked = true;
  std::stop_source stop;
  std::jthread first{[&] { EXPECT_THAT(get("aaaa", stop.get_token()), FailsWith(ErrorCode::canceled)); }};
  ASSERT_TRUE(eventually([&] { return store_.fetched == 1; }));
  std::jthread second{[&] { EXPECT_THAT(get("aaaa"), Succeeds()); }};
  stop.request_stop();
  ASSERT_TRUE(eventually([&] { return store_.fetched == 2; })) << "the one that waited takes over";
  store_.blocked = false;
  second.join();
  ASSERT_THAT(get("bbbbbb"), Succeeds()) << "its place is free";
}

TEST_F(ImageCacheTest, IsInterruptedAlsoWhereAnotherFetches) {
  store_.blocked = true;
  std::jthread first{[&] { EXPECT_THAT(get("aaaa"), Succeeds()); }};
  ASSERT_TRUE(eventually([&] { return store_.fetched == 1; }));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(get("aaaa", stop.get_token()), FailsWith(ErrorCode::canceled));
  store_.blocked = false;
}

TEST_F(ImageCacheTest, FindsAfterARestartWhatIsWhole) {
  for (const auto* name : {"aaaa", "bbbb"}) ASSERT_THAT(get(name), Succeeds());
  ASSERT_THAT(put_file(directory_.path() / "cache" / (std::string(128, 'a') + ".part"), as_bytes("half")),
              Succeeds());
  fs::create_directories(directory_.path() / "cache" / "stray" / "deep");
  restart();
  EXPECT_EQ(files(), 2U);
  EXPECT_NE(cache_->hold(object("aaaa").sha512), nullptr);
  ASSERT_THAT(get("cccc"), Succeeds());
  EXPECT_EQ(cache_->hold(object("bbbb").sha512), nullptr) << "aaaa was used later";
  EXPECT_EQ(store_.fetched, 3);
}

}  // namespace
}  // namespace sealift::agent
