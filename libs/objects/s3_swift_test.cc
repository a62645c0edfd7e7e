// SPDX-License-Identifier: Apache-2.0
/// The S3 store against a service that checks signatures, and hosts that fetch from it by presigned URLs.
#include "base/matchers.h"
#include "objects/conformance_test_suite.h"
#include "objects/s3_store.h"
#include "objects/swift_for_test.h"

namespace sealift::objects {
namespace {

using std::chrono::seconds;

/// One for all tests of this program.
const SwiftForTest& swift() {
  static const auto server = [] {
    auto started = SwiftForTest::start().value();
    EXPECT_THAT(started.create_bucket("images"), Succeeds());
    return started;
  }();
  return server;
}

StoreUnderTest s3_under_test() {
  return {"s3", [] { return open_store(swift().url("images")); },
          [] { return FetchOptions{.ca_file = swift().ca_file()}; }};
}

INSTANTIATE_TEST_SUITE_P(S3, StoreConformance, testing::Values(s3_under_test()));

class S3Service : public testing::Test {
 protected:
  /// Every call that asks the service.
  static std::vector<std::pair<const char*, Status>> all_calls(ObjectStore& store) {
    const auto without_value = [](const auto& result) {
      return result ? Status{} : Status{tl::unexpected{result.error()}};
    };
    const auto key = random_head();
    auto upload = start_upload(sha512(as_bytes("abc")), 3).value();
    upload.id = "VXBsb2Fk";
    const auto whole = advanced(upload, as_bytes("abc")).value();
    return {{"check", store.check()},
            {"stat", without_value(store.stat(key))},
            {"begin", without_value(store.begin(sha512(as_bytes("abc")), 3))},
            {"append", without_value(store.append(upload, 0, as_bytes("abc")))},
            {"finish", store.finish(whole)},
            {"put", store.put(key, as_bytes("abc"))},
            {"remove", store.remove(key)},
            {"read", without_value(store.read(key, 0, 1))}};
  }
  static S3Config config() { return swift().config("images"); }
  Status fetch(const Location& location, ByteView expected, FetchOptions options) const {
    NoProgress progress;
    Fetcher fetcher{std::move(options)};
    return fetcher.fetch(location, {expected.size(), sha512(expected)}, directory.path() / "object",
                         progress);
  }
  FetchOptions host() const { return {.ca_file = swift().ca_file()}; }

  SystemClock clock;
  TemporaryDirectory directory = TemporaryDirectory::create().value();
};

TEST_F(S3Service, RefusesAWrongSecret) {
  auto wrong = config();
  wrong.secret_key = SecretBytes::copy_of(as_bytes("testinG"));
  S3Store store{std::move(wrong), clock};
  for (const auto& [call, status] : all_calls(store)) {
    EXPECT_THAT(status, FailsAt(ErrorCode::permission_denied, "credentials")) << call;
  }
}

TEST_F(S3Service, RefusesAnUnknownAccessKey) {
  auto wrong = config();
  wrong.access_key = "test:nobody";
  S3Store store{std::move(wrong), clock};
  EXPECT_THAT(store.put(random_head(), as_bytes("abc")),
              FailsAt(ErrorCode::permission_denied, "credentials"));
}

TEST_F(S3Service, RefusesAnotherRegion) {
  auto wrong = config();
  wrong.region = "eu-west-1";
  S3Store store{std::move(wrong), clock};
  EXPECT_FALSE(store.check());
}

TEST_F(S3Service, SaysThatThereIsNoSuchBucket) {
  S3Store store{swift().config("no-such-bucket"), clock};
  for (const auto& [call, status] : all_calls(store)) {
    EXPECT_THAT(status, FailsAt(ErrorCode::not_found, "bucket")) << call;
  }
}

TEST_F(S3Service, RefusesAClockThatIsWrong) {
  const FakeClock yesterday{clock.now() - std::chrono::hours{24}};
  S3Store store{config(), yesterday};
  EXPECT_THAT(store.put(random_head(), as_bytes("abc")), FailsAt(ErrorCode::permission_denied, "clock"));
}

TEST_F(S3Service, MustShowACertificateThatWeTrust) {
  auto with_system_roots = config();
  with_system_roots.ca_file.clear();
  S3Store store{std::move(with_system_roots), clock};
  EXPECT_THAT(store.check(), FailsAt(ErrorCode::authentication_failed, "certificate"));
  auto good = open_store(swift().url("images"));
  const auto location = (*good)->location(random_head(), seconds{60});
  EXPECT_THAT(fetch(*location, as_bytes("x"), {}), FailsAt(ErrorCode::authentication_failed, "certificate"));
}

TEST_F(S3Service, LetsNobodyInWithALocationThatIsOver) {
  const FakeClock earlier{clock.now() - seconds{600}};
  S3Store store{config(), earlier};
  const auto key = random_head();
  ASSERT_THAT(open_store(swift().url("images")).value()->put(key, as_bytes("abc")), Succeeds());
  EXPECT_THAT(fetch(*store.location(key, seconds{60}), as_bytes("abc"), host()),
              FailsAt(ErrorCode::permission_denied, "url"));
  EXPECT_THAT(fetch(*store.location(key, seconds{1200}), as_bytes("abc"), host()), Succeeds());
}

TEST_F(S3Service, GivesALocationForOneObjectOnly) {
  S3Store store{config(), clock};
  const auto key = random_head();
  const auto other = random_head();
  ASSERT_THAT(store.put(key, as_bytes("mine")), Succeeds());
  ASSERT_THAT(store.put(other, as_bytes("other")), Succeeds());
  auto location = *store.location(key, seconds{60});
  location.url.replace(location.url.find(key.text()), key.text().size(), other.text());
  EXPECT_THAT(fetch(location, as_bytes("other"), host()), FailsAt(ErrorCode::permission_denied, "url"));
}

TEST_F(S3Service, LeavesNoPartsOfAnAbandonedUpload) {
  S3Store store{config(), clock};
  const auto content = random_content(1000);
  const auto begun = store.begin(sha512(content), content.size());
  const auto state = store.append(*begun, 0, content);
  ASSERT_THAT(state, Succeeds());
  store.abandon(*state);
  S3Client client{config(), clock};
  const auto uploads = client.send({.method = "GET", .query = {{"uploads", ""}}});
  ASSERT_THAT(uploads, Succeeds());
  EXPECT_THAT(std::string{as_text(uploads->body)}, testing::Not(testing::HasSubstr(state->id)));
}

}  // namespace
}  // namespace sealift::objects
