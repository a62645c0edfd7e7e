// SPDX-License-Identifier: Apache-2.0
/// A host's fetching, from servers that are slow, broken or hostile.
#include "objects/fetch.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "base/file.h"
#include "base/matchers.h"
#include "objects/directory_store.h"
#include "objects/http_server_for_test.h"
#include "objects/locked_file.h"

namespace sealift::objects {
namespace {

namespace fs = std::filesystem;
using Answer = HttpServerForTest::Answer;
using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kSize = 4'000'000;

Bytes sample() {
  Bytes bytes(kSize);
  for (std::size_t i = 0; i < kSize; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return bytes;
}

/// What a range of the sample is asked for: the first byte.
std::size_t range_start(const SeenRequest& request) {
  const auto at = request.head.find("range: bytes=");
  return at == std::string::npos ? kSize : std::stoul(request.head.substr(at + 13));
}

class CountedProgress final : public Progress {
 public:
  void start(std::string_view, std::uint64_t size) override {
    total = size;
    done = 0;
  }
  void advance(std::uint64_t bytes) override { done += bytes; }
  void finish() override { finished = true; }
  std::uint64_t total = 0;
  std::uint64_t done = 0;
  bool finished = false;
};

class Fetching : public testing::Test {
 protected:
  Status fetch(const std::string& url, const std::stop_token& stop = {}) {
    return fetcher.fetch({url}, {kSize, digest}, destination, progress, stop);
  }
  Status fetch_from(const HttpServerForTest& server) {
    return fetch("http://" + server.address() + "/o?Sig=xyz");
  }
  /// A good answer to the range that `request` asks for, cut after `limit` bytes of the body.
  Answer good(const SeenRequest& request, std::size_t limit = kSize) const {
    const auto text = std::string{as_text(content)}.substr(range_start(request));
    const auto whole = http_answer("206 Partial Content", text);
    return {whole.substr(0, whole.size() - text.size() + std::min(limit, text.size()))};
  }
  void expect_whole() const {
    EXPECT_EQ(read_file(destination, kSize).value(), content);
    EXPECT_FALSE(fs::exists(partial));
    EXPECT_EQ(progress.done, kSize);
    EXPECT_TRUE(progress.finished);
  }

  const Bytes content = sample();
  const crypto::Digest digest = crypto::digest(crypto::HashAlgorithm::sha512, content);
  TemporaryDirectory directory = TemporaryDirectory::create("fetch").value();
  fs::path destination = directory.path() / "object";
  fs::path partial = directory.path() / "object.part";
  CountedProgress progress;
  Fetcher fetcher{{.directory = directory.path() / "store",
                   .insecure_http = true,
                   .retry = {.attempts = 3, .first_wait = std::chrono::milliseconds{1}},
                   .patience = std::chrono::seconds{1}}};
};

TEST_F(Fetching, GetsAnObject) {
  const HttpServerForTest server{[this](const auto& request, auto) { return good(request); }};
  ASSERT_THAT(fetch_from(server), Succeeds());
  expect_whole();
  EXPECT_THAT(server.requests().at(0).head, HasSubstr("GET /o?Sig=xyz HTTP/1.1\r\n"));
}

TEST_F(Fetching, LooksAtWhatNeedNotLastNoLessClosely) {
  const auto fetch_fleeting = [this](const HttpServerForTest& server) {
    return fetcher.fetch({"http://" + server.address() + "/o"}, {kSize, digest, false}, destination,
                         progress);
  };
  const HttpServerForTest wrong{
      [](auto&, auto) { return http_answer("206 Partial Content", std::string(kSize, 'x')); }};
  EXPECT_THAT(fetch_fleeting(wrong), FailsAt(ErrorCode::object_differs, "sha512"));
  EXPECT_FALSE(fs::exists(destination));
  const HttpServerForTest right{[this](const auto& request, auto) { return good(request); }};
  ASSERT_THAT(fetch_fleeting(right), Succeeds());
  expect_whole();
}

TEST_F(Fetching, GoesOnWhereTheConnectionBroke) {
  const HttpServerForTest server{[this](const auto& request, auto) { return good(request, 1'200'000); }};
  ASSERT_THAT(fetch_from(server), Succeeds());
  expect_whole();
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST_F(Fetching, GoesOnWhereAnEarlierAttemptEnded) {
  {
    const HttpServerForTest server{[this](const auto& request, std::size_t number) {
      return number == 0 ? good(request, 50'000) : Answer{http_answer("403 Forbidden", "")};
    }};
    EXPECT_THAT(fetch_from(server), FailsAt(ErrorCode::permission_denied, "url"));
    EXPECT_FALSE(fs::exists(destination));
  }
  const HttpServerForTest server{[this](const auto& request, auto) { return good(request); }};
  ASSERT_THAT(fetch_from(server), Succeeds());
  expect_whole();
  EXPECT_EQ(range_start(server.requests().at(0)), 50'000U);
}

TEST_F(Fetching, ForgetsAnEarlierAttemptForSomethingElse) {
  ASSERT_THAT(write_file(partial, Bytes(1000, 0xff)), Succeeds());
  const HttpServerForTest server{[this](const auto& request, auto) { return good(request); }};
  ASSERT_THAT(fetch_from(server), Succeeds());
  expect_whole();
  ASSERT_THAT(write_file(partial, Bytes(kSize + 1, 0xff)), Succeeds());
  ASSERT_THAT(fetch_from(server), Succeeds());
  expect_whole();
}

TEST_F(Fetching, RefusesOtherBytes) {
  const HttpServerForTest server{
      [](auto&, auto) { return http_answer("206 Partial Content", std::string(kSize, 'x')); }};
  EXPECT_THAT(fetch_from(server), FailsAt(ErrorCode::object_differs, "sha512"));
  EXPECT_FALSE(fs::exists(destination));
  EXPECT_EQ(fs::file_size(partial), 0U);
}

TEST_F(Fetching, TakesNoMoreBytesThanItWants) {
  const HttpServerForTest server{[this](const auto& request, auto) {
    return Answer{
        http_answer("206 Partial Content", std::string{as_text(content)}.substr(range_start(request)) + "x")};
  }};
  EXPECT_THAT(fetch_from(server), FailsWith(ErrorCode::too_large));
  EXPECT_LE(fs::file_size(partial), kSize);
}

TEST_F(Fetching, KnowsAShortObject) {
  const HttpServerForTest server{[](auto&, auto) { return http_answer("206 Partial Content", "short"); }};
  EXPECT_THAT(fetch_from(server), FailsAt(ErrorCode::object_differs, "size"));
}

TEST_F(Fetching, FollowsNoRedirect) {
  ASSERT_THAT(write_file(directory.path() / "secret", content), Succeeds());
  const HttpServerForTest server{[this](auto&, auto) {
    return http_answer("302 Found", "",
                       "Location: file://" + (directory.path() / "secret").string() + "\r\n");
  }};
  EXPECT_THAT(fetch_from(server), FailsAt(ErrorCode::unsupported, "url"));
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Fetching, NeedsRanges) {
  const HttpServerForTest server{
      [this](auto&, auto) { return http_answer("200 OK", std::string{as_text(content)}); }};
  EXPECT_THAT(fetch_from(server), FailsAt(ErrorCode::unsupported, "url"));
  EXPECT_FALSE(fs::exists(destination));
}

TEST_F(Fetching, GivesUpOnAServerThatAlwaysFails) {
  const HttpServerForTest server{[](auto&, auto) { return http_answer("503 Slow Down", ""); }};
  EXPECT_THAT(fetch_from(server), FailsWith(ErrorCode::unavailable));
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST_F(Fetching, GivesUpOnAServerThatFallsSilent) {
  const HttpServerForTest server{[](auto&, auto) {
    return Answer{"HTTP/1.1 206 Partial Content\r\nContent-Length: 4000000\r\n\r\nabc", true};
  }};
  EXPECT_THAT(fetch_from(server), FailsWith(ErrorCode::timeout));
}

TEST_F(Fetching, StopsWhenAsked) {
  std::stop_source stop;
  const HttpServerForTest server{[&](auto&, auto) {
    stop.request_stop();
    return Answer{"HTTP/1.1 206 Partial Content\r\nContent-Length: 4000000\r\n\r\nabc", true};
  }};
  EXPECT_THAT(fetch("http://" + server.address() + "/o", stop.get_token()), FailsWith(ErrorCode::canceled));
  EXPECT_FALSE(fs::exists(destination));
}

TEST_F(Fetching, StopsBetweenAttempts) {
  std::stop_source stop;
  const HttpServerForTest server{[&](auto&, auto) {
    stop.request_stop();
    return http_answer("503 Slow Down", "");
  }};
  EXPECT_THAT(fetch("http://" + server.address() + "/o", stop.get_token()), FailsWith(ErrorCode::canceled));
}

TEST_F(Fetching, GoesOnlyToPlacesThatThisHostMayUse) {
  for (const auto* const url : {"", "/etc/passwd", "file:///etc/passwd", "ftp://127.0.0.1/x", "s3://b/k",
                                "dir:../object", "dir:/etc/passwd", "dir:uploads/a", "http:/"}) {
    EXPECT_THAT(fetch(url), FailsWith(ErrorCode::invalid_argument)) << url;
  }
  Fetcher strict{{}};
  for (const auto* const url : {"http://127.0.0.1/x", "dir:heads/a"}) {
    EXPECT_THAT(strict.fetch({url}, {kSize, digest}, destination, progress),
                FailsAt(ErrorCode::invalid_argument, "url"))
        << url;
  }
}

TEST_F(Fetching, TellsNoSignatureInMessages) {
  const HttpServerForTest server{[](auto&, auto) { return http_answer("404 Not Found", ""); }};
  const auto status = fetch_from(server);
  ASSERT_THAT(status, FailsAt(ErrorCode::not_found, "url"));
  EXPECT_THAT(status.error().message, HasSubstr(server.address() + "/o"));
  EXPECT_THAT(status.error().message + status.error().detail, Not(HasSubstr("xyz")));
}

TEST_F(Fetching, LetsOnlyOneWrite) {
  const auto locked = open_locked(partial, O_RDWR | O_CREAT, Locking::give_up);
  ASSERT_THAT(locked, Succeeds());
  const HttpServerForTest server{[this](const auto& request, auto) { return good(request); }};
  EXPECT_THAT(fetch_from(server), FailsWith(ErrorCode::conflict));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(Fetching, DoesNotWaitForAPipe) {
  auto store = DirectoryStore::open(directory.path() / "store");
  ASSERT_THAT(store, Succeeds());
  ASSERT_EQ(::mkfifo((directory.path() / "store/heads/a").c_str(), 0600), 0);
  EXPECT_THAT(fetch("dir:heads/a"), FailsWith(ErrorCode::malformed));
}

TEST_F(Fetching, CopiesFromADirectoryWithProgress) {
  auto store = DirectoryStore::open(directory.path() / "store");
  ASSERT_THAT((*store)->put(ObjectKey::content(digest), content), Succeeds());
  ASSERT_THAT(write_file(partial, ByteView{content}.first(12'345)), Succeeds());
  ASSERT_THAT(fetch("dir:" + ObjectKey::content(digest).text()), Succeeds());
  expect_whole();
}

}  // namespace
}  // namespace sealift::objects
