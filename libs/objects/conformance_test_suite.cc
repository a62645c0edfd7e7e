// SPDX-License-Identifier: Apache-2.0
#include "objects/conformance_test_suite.h"

#include <algorithm>
#include <future>

#include "base/file.h"
#include "base/matchers.h"
#include "crypto/random.h"

namespace sealift::objects {

Bytes random_content(std::size_t size) {
  Bytes bytes(size, 0x5a);
  crypto::fill_random(std::span{bytes}.first(std::min<std::size_t>(size, 64)));
  return bytes;
}

crypto::Digest sha512(ByteView bytes) { return crypto::digest(crypto::HashAlgorithm::sha512, bytes); }

ObjectKey random_head() { return ObjectKey::head("launch-" + to_hex(crypto::random_array<16>())).value(); }

std::unique_ptr<ObjectStore> StoreConformance::open() const {
  auto opened = GetParam().open();
  EXPECT_THAT(opened, Succeeds());
  return std::move(*opened);
}

Result<UploadState> StoreConformance::upload(const crypto::Digest& announced, ByteView bytes) const {
  SEALIFT_TRY(auto state, open()->begin(announced, bytes.size()));
  while (!state.complete()) {
    const auto rest = bytes.subspan(static_cast<std::size_t>(state.offset));
    const auto part = rest.first(std::min<std::size_t>(rest.size(), kPartSize));
    SEALIFT_TRY(const auto next, open()->append(state, state.offset, part));
    SEALIFT_TRY(state, UploadState::parse(next.to_text()));
  }
  return state;
}

Result<Bytes> StoreConformance::fetched(const ObjectKey& key, ByteView expected) const {
  SEALIFT_TRY(const auto location, store->location(key, std::chrono::minutes{10}));
  SEALIFT_TRY(const auto directory, TemporaryDirectory::create());
  NoProgress progress;
  Fetcher fetcher{GetParam().host()};
  SEALIFT_CHECK(
      fetcher.fetch(location, {expected.size(), sha512(expected)}, directory.path() / "object", progress));
  return read_file(directory.path() / "object", expected.size());
}

TEST_P(StoreConformance, LetsUsIn) { EXPECT_THAT(store->check(), Succeeds()); }

TEST_P(StoreConformance, KeepsReplacesAndRemovesSmallObjects) {
  const auto key = random_head();
  EXPECT_EQ(store->stat(key).value(), std::nullopt);
  ASSERT_THAT(store->put(key, as_bytes("first")), Succeeds());
  EXPECT_EQ(open()->stat(key).value(), 5U);
  ASSERT_THAT(store->put(key, as_bytes("second")), Succeeds());
  EXPECT_EQ(as_text(open()->read(key, 0, 6).value()), "second");
  EXPECT_EQ(fetched(key, as_bytes("second")).value(), to_bytes(as_bytes("second")));
  ASSERT_THAT(store->remove(key), Succeeds());
  EXPECT_EQ(store->stat(key).value(), std::nullopt);
  EXPECT_THAT(store->remove(key), Succeeds());
}

TEST_P(StoreConformance, TakesASmallObjectOnlyUnderItsOwnDigest) {
  const auto content = random_content(100);
  const auto key = ObjectKey::content(sha512(content));
  EXPECT_THAT(store->put(key, random_content(100)), FailsAt(ErrorCode::object_differs, "sha512"));
  EXPECT_EQ(store->stat(key).value(), std::nullopt);
  EXPECT_THAT(store->put(key, content), Succeeds());
  EXPECT_EQ(fetched(key, content).value(), content);
  EXPECT_THAT(store->put(random_head(), Bytes(kMaxSmallObject + 1)), FailsAt(ErrorCode::too_large, "bytes"));
}

TEST_P(StoreConformance, ShowsAnUploadOnlyOnceItIsFinished) {
  const auto content = random_content(2 * kPartSize + 12345);
  const auto key = ObjectKey::content(sha512(content));
  const auto state = upload(sha512(content), content);
  ASSERT_THAT(state, Succeeds());
  EXPECT_EQ(store->stat(key).value(), std::nullopt);
  EXPECT_THAT(store->read(key, 0, 1), FailsAt(ErrorCode::not_found, "key"));
  ASSERT_THAT(open()->finish(*state), Succeeds());
  EXPECT_EQ(store->stat(key).value(), content.size());
  EXPECT_EQ(fetched(key, content).value(), content);
  EXPECT_EQ(store->read(key, kPartSize - 3, 7).value(), Bytes(7, 0x5a));
}

TEST_P(StoreConformance, NeverShowsBytesThatDoNotHaveTheDigest) {
  const auto content = random_content(kPartSize + 1);
  const auto announced = sha512(random_content(1));
  const auto state = upload(announced, content);
  ASSERT_THAT(state, Succeeds());
  EXPECT_THAT(store->finish(*state), FailsAt(ErrorCode::object_differs, "sha512"));
  EXPECT_EQ(store->stat(ObjectKey::content(announced)).value(), std::nullopt);
  EXPECT_EQ(store->stat(ObjectKey::content(sha512(content))).value(), std::nullopt);
  store->abandon(*state);
}

TEST_P(StoreConformance, DoesNotFinishBeforeTheLastByte) {
  const auto content = random_content(kPartSize + 1);
  const auto begun = store->begin(sha512(content), content.size());
  ASSERT_THAT(begun, Succeeds());
  EXPECT_THAT(store->finish(*begun), FailsAt(ErrorCode::failed_precondition, "offset"));
  const auto half = store->append(*begun, 0, ByteView{content}.first(kPartSize));
  ASSERT_THAT(half, Succeeds());
  EXPECT_THAT(store->finish(*half), FailsAt(ErrorCode::failed_precondition, "offset"));
  EXPECT_EQ(store->stat(ObjectKey::content(sha512(content))).value(), std::nullopt);
  store->abandon(*half);
}

TEST_P(StoreConformance, TakesTheSamePartAgain) {
  const auto content = random_content(kPartSize + 7);
  const auto part = ByteView{content}.first(kPartSize);
  const auto begun = store->begin(sha512(content), content.size());
  ASSERT_THAT(begun, Succeeds());
  // The first answer was lost, so the state is the old one.
  ASSERT_THAT(store->append(*begun, 0, part), Succeeds());
  const auto half = open()->append(*begun, 0, part);
  ASSERT_THAT(half, Succeeds());
  const auto state = store->append(*half, kPartSize, ByteView{content}.subspan(kPartSize));
  ASSERT_THAT(state, Succeeds());
  ASSERT_THAT(store->finish(*state), Succeeds());
  EXPECT_EQ(fetched(state->key, content).value(), content);
}

TEST_P(StoreConformance, DoesNotMixTwoWritersOfOneUpload) {
  const auto content = random_content(kPartSize + 7);
  const auto begun = store->begin(sha512(content), content.size());
  ASSERT_THAT(begun, Succeeds());
  const auto half = store->append(*begun, 0, ByteView{content}.first(kPartSize));
  ASSERT_THAT(half, Succeeds());
  const auto other = open()->append(*begun, 0, random_content(kPartSize));
  const auto state = store->append(*half, kPartSize, ByteView{content}.subspan(kPartSize));
  ASSERT_THAT(state, Succeeds());
  // One store notices at once, the other at the end. What becomes visible is always what was announced.
  if (other) {
    EXPECT_THAT(store->finish(*state), FailsWith(ErrorCode::conflict));
    EXPECT_EQ(store->stat(state->key).value(), std::nullopt);
    store->abandon(*state);
  } else {
    EXPECT_THAT(other, FailsWith(ErrorCode::conflict));
    ASSERT_THAT(store->finish(*state), Succeeds());
    EXPECT_EQ(fetched(state->key, content).value(), content);
  }
}

TEST_P(StoreConformance, FinishesASecondTimeToo) {
  const auto content = random_content(1000);
  const auto state = upload(sha512(content), content);
  ASSERT_THAT(state, Succeeds());
  ASSERT_THAT(store->finish(*state), Succeeds());
  EXPECT_THAT(open()->finish(*state), Succeeds());
  EXPECT_EQ(fetched(state->key, content).value(), content);
}

TEST_P(StoreConformance, ForgetsAnAbandonedUpload) {
  const auto content = random_content(kPartSize + 1);
  const auto begun = store->begin(sha512(content), content.size());
  ASSERT_THAT(begun, Succeeds());
  const auto half = store->append(*begun, 0, ByteView{content}.first(kPartSize));
  ASSERT_THAT(half, Succeeds());
  store->abandon(*half);
  const auto rest = ByteView{content}.subspan(kPartSize);
  EXPECT_THAT(store->append(*half, kPartSize, rest), FailsAt(ErrorCode::not_found, "upload"));
  const auto complete = advanced(*half, rest);
  EXPECT_THAT(store->finish(*complete), FailsAt(ErrorCode::not_found, "upload"));
  store->abandon(*half);
}

TEST_P(StoreConformance, KnowsOnlyItsOwnUploads) {
  auto state = start_upload(sha512(as_bytes("abc")), 3).value();
  for (const auto& id : {std::string(32, '0'), std::string{"../heads/a"}, std::string{"VXBsb2Fk"}}) {
    state.id = id;
    EXPECT_THAT(store->append(state, 0, as_bytes("abc")), FailsAt(ErrorCode::not_found, "upload")) << id;
    EXPECT_THAT(store->finish(*advanced(state, as_bytes("abc"))), FailsAt(ErrorCode::not_found, "upload"))
        << id;
    store->abandon(state);
  }
}

TEST_P(StoreConformance, IsNotHarmedByLateRepetitions) {
  const auto content = random_content(1000);
  const auto begun = store->begin(sha512(content), content.size());
  ASSERT_THAT(begun, Succeeds());
  const auto state = store->append(*begun, 0, content);
  ASSERT_THAT(state, Succeeds());
  ASSERT_THAT(store->finish(*state), Succeeds());
  const auto late = store->append(*begun, 0, content);
  // Swift takes it, S3 itself does not.
  EXPECT_TRUE(late || late.error().code == ErrorCode::not_found);
  store->abandon(*state);
  EXPECT_EQ(fetched(state->key, content).value(), content);
}

TEST_P(StoreConformance, TakesTheSameContentFromManyAtOnce) {
  const auto content = random_content(kPartSize + 100);
  std::vector<std::future<Status>> writers;
  for (int i = 0; i < 4; ++i) {
    writers.push_back(std::async(std::launch::async, [&]() -> Status {
      SEALIFT_TRY(const auto state, upload(sha512(content), content));
      return open()->finish(state);
    }));
  }
  for (auto& writer : writers) EXPECT_THAT(writer.get(), Succeeds());
  EXPECT_EQ(fetched(ObjectKey::content(sha512(content)), content).value(), content);
}

TEST_P(StoreConformance, ServesManyAtOnce) {
  std::vector<std::future<bool>> users;
  for (int i = 0; i < 4; ++i) {
    users.push_back(std::async(std::launch::async, [&] {
      const auto key = random_head();
      const auto content = random_content(30'000);
      for (int round = 0; round < 3; ++round) {
        if (!store->put(key, content)) return false;
        const auto read = store->read(key, 0, content.size());
        if (!read || *read != content) return false;
      }
      return store->remove(key).has_value();
    }));
  }
  for (auto& user : users) EXPECT_TRUE(user.get());
}

TEST_P(StoreConformance, ReadsExactlyWhatIsAskedFor) {
  const auto key = random_head();
  ASSERT_THAT(store->put(key, as_bytes("0123456789")), Succeeds());
  EXPECT_EQ(as_text(store->read(key, 0, 10).value()), "0123456789");
  EXPECT_EQ(as_text(store->read(key, 9, 1).value()), "9");
  EXPECT_THAT(store->read(key, 0, 11), FailsWith(ErrorCode::truncated));
  EXPECT_THAT(store->read(key, 9, 2), FailsWith(ErrorCode::truncated));
  EXPECT_THAT(store->read(key, 10, 1), FailsWith(ErrorCode::truncated));
  EXPECT_THAT(store->read(key, ~0ULL, 2), FailsWith(ErrorCode::truncated));
  EXPECT_THAT(store->read(key, 0, 0), FailsAt(ErrorCode::invalid_argument, "size"));
  EXPECT_THAT(store->read(key, 0, kMaxSmallObject + 1), FailsAt(ErrorCode::invalid_argument, "size"));
  EXPECT_THAT(store->read(random_head(), 0, 1), FailsAt(ErrorCode::not_found, "key"));
}

TEST_P(StoreConformance, GivesLocationsForALimitedTime) {
  const auto key = random_head();
  EXPECT_THAT(store->location(key, std::chrono::seconds{1}), Succeeds());
  EXPECT_THAT(store->location(key, kMaxLifetime), Succeeds());
  EXPECT_THAT(store->location(key, std::chrono::seconds{0}),
              FailsAt(ErrorCode::invalid_argument, "lifetime"));
  EXPECT_THAT(store->location(key, kMaxLifetime + std::chrono::seconds{1}),
              FailsAt(ErrorCode::invalid_argument, "lifetime"));
}

TEST_P(StoreConformance, TellsAHostThatAnObjectIsNotThere) {
  EXPECT_THAT(fetched(random_head(), as_bytes("x")), FailsWith(ErrorCode::not_found));
}

TEST_P(StoreConformance, TellsAHostThatAnObjectIsAnother) {
  const auto key = random_head();
  ASSERT_THAT(store->put(key, as_bytes("what it is")), Succeeds());
  EXPECT_THAT(fetched(key, as_bytes("what I want")), FailsAt(ErrorCode::object_differs, "size"));
  EXPECT_THAT(fetched(key, as_bytes("what is it")), FailsAt(ErrorCode::object_differs, "sha512"));
}

}  // namespace sealift::objects
