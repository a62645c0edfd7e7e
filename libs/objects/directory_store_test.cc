// SPDX-License-Identifier: Apache-2.0
#include "objects/directory_store.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/file.h"
#include "base/matchers.h"
#include "objects/conformance_test_suite.h"

namespace sealift::objects {
namespace {

namespace fs = std::filesystem;

const fs::path& shared_root() {
  static const auto directory = TemporaryDirectory::create("objects").value();
  return directory.path();
}

StoreUnderTest directory_under_test() {
  return {"directory", [] { return open_store("dir:" + shared_root().string()); },
          [] { return FetchOptions{.directory = shared_root()}; }};
}

INSTANTIATE_TEST_SUITE_P(Directory, StoreConformance, testing::Values(directory_under_test()));

class DirectoryStoreTest : public testing::Test {
 protected:
  std::size_t files_in(const char* part) const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator{root / part}, {}));
  }
  TemporaryDirectory directory = TemporaryDirectory::create("objects").value();
  fs::path root = directory.path() / "store";
  std::unique_ptr<ObjectStore> store = DirectoryStore::open(root).value();
  const ObjectKey head = ObjectKey::head("launch-1").value();
};

/// A disk that is full: no file of this process can have more bytes. The write that meets the limit is short,
/// as on a disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t limit) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{limit, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(DirectoryStoreTest, ShowsNothingHalfWhenTheDiskIsFull) {
  ASSERT_THAT(store->put(head, as_bytes("old")), Succeeds());
  const auto content = random_content(5000);
  {
    const FullDisk full{1000};
    EXPECT_THAT(store->put(head, content), FailsWith(ErrorCode::no_space));
    EXPECT_THAT(store->put(ObjectKey::content(sha512(content)), content), FailsWith(ErrorCode::no_space));
  }
  EXPECT_EQ(as_text(store->read(head, 0, 3).value()), "old");
  EXPECT_EQ(store->stat(ObjectKey::content(sha512(content))).value(), std::nullopt);
  EXPECT_EQ(files_in("uploads"), 0U);
}

TEST_F(DirectoryStoreTest, GoesOnWithAnUploadOnceThereIsSpaceAgain) {
  const auto content = random_content(5000);
  const auto begun = store->begin(sha512(content), content.size());
  ASSERT_THAT(begun, Succeeds());
  {
    const FullDisk full{1000};
    EXPECT_THAT(store->append(*begun, 0, content), FailsWith(ErrorCode::no_space));
  }
  const auto state = store->append(*begun, 0, content);
  ASSERT_THAT(state, Succeeds());
  EXPECT_THAT(store->finish(*state), Succeeds());
  EXPECT_EQ(store->read(state->key, 0, content.size()).value(), content);
}

TEST_F(DirectoryStoreTest, KeepsNothingOfAnAbandonedUpload) {
  const auto begun = store->begin(sha512(as_bytes("abc")), 3);
  ASSERT_THAT(begun, Succeeds());
  EXPECT_EQ(files_in("uploads"), 1U);
  store->abandon(*begun);
  EXPECT_EQ(files_in("uploads"), 0U);
}

TEST_F(DirectoryStoreTest, TakesNoMorePartsOnceFinished) {
  const auto begun = store->begin(sha512(as_bytes("abc")), 3);
  const auto state = store->append(*begun, 0, as_bytes("abc"));
  ASSERT_THAT(store->finish(*state), Succeeds());
  EXPECT_THAT(store->append(*begun, 0, as_bytes("abd")), FailsAt(ErrorCode::not_found, "upload"));
  EXPECT_EQ(as_text(store->read(state->key, 0, 3).value()), "abc");
}

TEST_F(DirectoryStoreTest, NoticesAnUploadThatLostBytes) {
  const auto content = random_content(kPartSize + 1);
  const auto begun = store->begin(sha512(content), content.size());
  const auto half = store->append(*begun, 0, ByteView{content}.first(kPartSize));
  ASSERT_THAT(half, Succeeds());
  const auto state = advanced(*half, ByteView{content}.subspan(kPartSize));
  fs::resize_file(root / "uploads" / half->id, kPartSize - 1);
  EXPECT_THAT(store->append(*half, kPartSize, ByteView{content}.subspan(kPartSize)),
              FailsAt(ErrorCode::not_found, "upload"));
  EXPECT_THAT(store->finish(*state), FailsAt(ErrorCode::not_found, "upload"));
}

TEST_F(DirectoryStoreTest, SaysThatItsDirectoryIsGone) {
  fs::remove_all(root);
  EXPECT_THAT(store->check(), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(store->stat(head), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(store->put(head, as_bytes("x")), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(store->begin(sha512(as_bytes("x")), 1), FailsWith(ErrorCode::not_found));
}

TEST_F(DirectoryStoreTest, FollowsNoLinks) {
  ASSERT_THAT(write_file(directory.path() / "other", as_bytes("not an object")), Succeeds());
  fs::create_symlink(directory.path() / "other", root / head.text());
  EXPECT_THAT(store->read(head, 0, 3), FailsWith(ErrorCode::io_error));
  NoProgress progress;
  Fetcher fetcher{{.directory = root}};
  EXPECT_THAT(fetcher.fetch(store->location(head, std::chrono::seconds{1}).value(),
                            {13, sha512(as_bytes("not an object"))}, directory.path() / "fetched", progress),
              FailsWith(ErrorCode::io_error));
}

/// Writes one head again and again, the whole of it alike, until killed.
[[noreturn]] void write_forever(ObjectStore& store, const ObjectKey& key) {
  for (std::uint8_t value = 0;; ++value) {
    if (!store.put(key, Bytes(100'000, value))) ::_exit(1);
  }
}

TEST_F(DirectoryStoreTest, HasTheOldOrTheNewAfterAKill) {
  for (int round = 0; round < 10; ++round) {
    ASSERT_THAT(store->remove(head), Succeeds());
    const auto child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_forever(*store, head);
    while (!*store->stat(head)) ::usleep(100);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const auto content = store->read(head, 0, 100'000);
    ASSERT_THAT(content, Succeeds());
    EXPECT_EQ(store->stat(head).value(), 100'000U);
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(*content, content->front())), content->size());
  }
}

}  // namespace
}  // namespace sealift::objects
