// SPDX-License-Identifier: Apache-2.0
/// The S3 store against a server that answers wrongly, late, or not at all.
#include "objects/s3_store.h"

#include <fmt/core.h>

#include "base/matchers.h"
#include "objects/http_server_for_test.h"

namespace sealift::objects {
namespace {

using Answer = HttpServerForTest::Answer;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const TimePoint kNow{std::chrono::seconds{1369353600}};

std::string error_answer(const std::string& status, const std::string& code) {
  return http_answer(status, "<Error><Code>" + code + "</Code><Message>m</Message></Error>");
}

class FaultyS3 : public testing::Test {
 protected:
  /// A store whose server answers with `handler`.
  S3Store& store_with(HttpServerForTest::Handler handler) {
    server.emplace(std::move(handler));
    store.emplace(config(server->address()), clock);
    return *store;
  }
  S3Store& store_with(std::vector<std::string> answers) {
    return store_with(
        [answers](const SeenRequest&, std::size_t number) { return Answer{answers.at(number)}; });
  }
  static S3Config config(const std::string& address) {
    S3Config made;
    made.scheme = "http";
    made.host = address;
    made.bucket = "bucket";
    made.region = "us-east-1";
    made.access_key = "AKID";
    made.secret_key = SecretBytes::copy_of(as_bytes("verysecret"));
    made.retry = {.attempts = 3, .first_wait = std::chrono::milliseconds{1}};
    made.patience = std::chrono::seconds{1};
    return made;
  }
  UploadState whole_upload() const {
    auto state = start_upload(crypto::digest(crypto::HashAlgorithm::sha512, as_bytes("abc")), 3).value();
    state.id = "upload1";
    state = advanced(state, as_bytes("abc")).value();
    state.parts = to_bytes(crypto::digest(crypto::HashAlgorithm::sha256, as_bytes("etag1")).view());
    return state;
  }
  static std::string parts_page(const std::string& etag) {
    return http_answer(
        "200 OK", "<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber><ETag>" +
                      etag + "</ETag><Size>3</Size></Part></ListPartsResult>");
  }

  FakeClock clock{kNow};
  const ObjectKey key = ObjectKey::head("launch-1").value();
  std::optional<HttpServerForTest> server;
  std::optional<S3Store> store;
};

TEST_F(FaultyS3, IsAskedAgainWhatMayPass) {
  auto& s3 = store_with({error_answer("503 Slow Down", "SlowDown"), http_answer("429 Too Many Requests", ""),
                         http_answer("200 OK", "")});
  EXPECT_THAT(s3.put(key, as_bytes("abc")), Succeeds());
  ASSERT_EQ(server->requests().size(), 3U);
  for (const auto& request : server->requests()) {
    EXPECT_THAT(request.head, StartsWith("PUT /bucket/heads/launch-1 HTTP/1.1\r\n"));
    EXPECT_EQ(request.body, "abc");
  }
}

TEST_F(FaultyS3, IsNotAskedForEver) {
  auto& s3 = store_with([](auto&, auto) { return http_answer("500 Oh", "<html>no XML</p>"); });
  EXPECT_THAT(s3.put(key, as_bytes("abc")), FailsWith(ErrorCode::unavailable));
  EXPECT_EQ(server->requests().size(), 3U);
}

TEST_F(FaultyS3, IsNotAskedAgainWhatItRefused) {
  auto& s3 = store_with([](auto&, auto) { return error_answer("403 Forbidden", "SignatureDoesNotMatch"); });
  EXPECT_THAT(s3.put(key, as_bytes("abc")), FailsAt(ErrorCode::permission_denied, "credentials"));
  EXPECT_EQ(server->requests().size(), 1U);
}

TEST_F(FaultyS3, MayNotBeThere) {
  const auto address = HttpServerForTest{[](auto&, auto) { return Answer{""}; }}.address();
  S3Store s3{config(address), clock};
  EXPECT_THAT(s3.put(key, as_bytes("abc")), FailsWith(ErrorCode::unavailable));
  EXPECT_THAT(s3.check(), FailsWith(ErrorCode::unavailable));
}

TEST_F(FaultyS3, MayHangUp) {
  auto& s3 =
      store_with([](auto&, auto) { return Answer{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"}; });
  EXPECT_THAT(s3.read(key, 0, 10), FailsWith(ErrorCode::unavailable));
  EXPECT_EQ(server->requests().size(), 3U);
}

TEST_F(FaultyS3, MayFallSilent) {
  auto& s3 = store_with([](auto&, auto) { return Answer{"HTTP/1.1 200 OK\r\n", true}; });
  EXPECT_THAT(s3.put(key, as_bytes("abc")), FailsWith(ErrorCode::timeout));
}

TEST_F(FaultyS3, DoesNotSendUsElsewhere) {
  auto& s3 = store_with([this](auto&, auto) {
    return http_answer("307 Temporary Redirect", "", "Location: http://" + server->address() + "/other\r\n");
  });
  EXPECT_THAT(s3.read(key, 0, 10), FailsAt(ErrorCode::unsupported, "host"));
  EXPECT_EQ(server->requests().size(), 1U);
}

TEST_F(FaultyS3, MaySendMoreThanAskedFor) {
  auto& s3 = store_with([](auto&, auto) { return http_answer("206 Partial Content", "12345678901"); });
  EXPECT_THAT(s3.read(key, 0, 10), FailsWith(ErrorCode::too_large));
}

TEST_F(FaultyS3, MayIgnoreTheRange) {
  auto& s3 = store_with([](auto&, auto) { return http_answer("200 OK", "1234567890"); });
  EXPECT_THAT(s3.read(key, 5, 10), FailsWith(ErrorCode::truncated));
}

TEST_F(FaultyS3, MayAnswerWithEndlessXml) {
  auto& s3 = store_with([](auto&, auto) { return http_answer("200 OK", std::string((1U << 20U) + 1, ' ')); });
  EXPECT_THAT(s3.begin(crypto::digest(crypto::HashAlgorithm::sha512, as_bytes("abc")), 3),
              FailsWith(ErrorCode::too_large));
}

TEST_F(FaultyS3, MayAnswerWithHostileXml) {
  auto& s3 = store_with([](auto&, auto) {
    return http_answer("200 OK",
                       "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><InitiateMultipartUploadResult>"
                       "<UploadId>&e;</UploadId></InitiateMultipartUploadResult>");
  });
  EXPECT_THAT(s3.begin(crypto::digest(crypto::HashAlgorithm::sha512, as_bytes("abc")), 3),
              FailsWith(ErrorCode::malformed));
}

TEST_F(FaultyS3, MayNotSayHowLargeAnObjectIs) {
  auto& s3 = store_with({"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"});
  EXPECT_THAT(s3.stat(key), FailsAt(ErrorCode::malformed, "content-length"));
}

TEST_F(FaultyS3, MayDislikeOurClock) {
  auto& s3 = store_with({error_answer("403 Forbidden", "RequestTimeTooSkewed")});
  EXPECT_THAT(s3.put(key, as_bytes("abc")), FailsAt(ErrorCode::permission_denied, "clock"));
}

TEST_F(FaultyS3, MayBeFull) {
  auto& s3 = store_with({http_answer("507 Insufficient Storage", "")});
  EXPECT_THAT(s3.put(key, as_bytes("abc")), FailsWith(ErrorCode::no_space));
}

TEST_F(FaultyS3, MayPutAnErrorIntoAGoodAnswer) {
  auto& s3 = store_with({parts_page("etag1"), error_answer("200 OK", "InternalError")});
  EXPECT_THAT(s3.finish(whole_upload()), FailsWith(ErrorCode::unavailable));
}

TEST_F(FaultyS3, MayLoseTheAnswerToTheCompletion) {
  auto& s3 = store_with({parts_page("etag1"), "HTTP/1.1 200", error_answer("404 Not Found", "NoSuchUpload"),
                         "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"});
  EXPECT_THAT(s3.finish(whole_upload()), Succeeds());
  const auto requests = server->requests();
  ASSERT_EQ(requests.size(), 4U);
  EXPECT_THAT(requests[1].head, StartsWith("POST /bucket/sha512/"));
  EXPECT_THAT(requests[1].body, HasSubstr("<PartNumber>1</PartNumber><ETag>\"etag1\"</ETag>"));
  EXPECT_THAT(requests[3].head, StartsWith("HEAD /bucket/sha512/"));
}

TEST_F(FaultyS3, CannotSwapAPart) {
  auto& s3 = store_with({parts_page("etag2")});
  EXPECT_THAT(s3.finish(whole_upload()), FailsAt(ErrorCode::conflict, "upload"));
  EXPECT_EQ(server->requests().size(), 1U);
}

TEST_F(FaultyS3, ListsPartsPageByPage) {
  auto state = whole_upload();
  state.size = kMaxObjectSize;  // as if: the states of 10,000 appends are not made here
  state.offset = state.size;
  state.parts = {};
  for (int part = 1; part <= 10'000; ++part) {
    state.parts = to_bytes(
        crypto::digest(crypto::HashAlgorithm::sha256, {state.parts, as_bytes(fmt::format("e{}", part))})
            .view());
  }
  auto& s3 = store_with([](const SeenRequest& request, std::size_t number) {
    if (request.head.starts_with("POST"))
      return http_answer("200 OK",
                         "<CompleteMultipartUploadResult><ETag>a</ETag></CompleteMultipartUploadResult>");
    std::string page = fmt::format("<ListPartsResult><IsTruncated>{}</IsTruncated>", number < 9);
    for (std::size_t part = number * 1000 + 1; part <= (number + 1) * 1000; ++part) {
      page +=
          fmt::format("<Part><PartNumber>{0}</PartNumber><ETag>e{0}</ETag><Size>8388608</Size></Part>", part);
    }
    return http_answer("200 OK", page + "</ListPartsResult>");
  });
  EXPECT_THAT(s3.finish(state), Succeeds());
  const auto requests = server->requests();
  ASSERT_EQ(requests.size(), 11U);
  EXPECT_THAT(requests[9].head, HasSubstr("?part-number-marker=9000&uploadId=upload1 HTTP"));
}

TEST_F(FaultyS3, CannotMakeUsListForEver) {
  auto& s3 = store_with([](auto&, std::size_t number) {
    return http_answer(
        "200 OK",
        fmt::format("<ListPartsResult><IsTruncated>true</IsTruncated><Part><PartNumber>{}</PartNumber>"
                    "<ETag>e</ETag><Size>1</Size></Part></ListPartsResult>",
                    number + 1));
  });
  EXPECT_THAT(s3.finish(whole_upload()), FailsAt(ErrorCode::conflict, "upload"));
  EXPECT_EQ(server->requests().size(), 2U);
}

TEST_F(FaultyS3, LearnsNoSecretFromUs) {
  auto& s3 = store_with([](auto&, auto) { return http_answer("403 Forbidden", ""); });
  const auto refused = s3.put(key, as_bytes("abc"));
  ASSERT_THAT(refused, FailsWith(ErrorCode::permission_denied));
  EXPECT_THAT(refused.error().message, Not(HasSubstr("verysecret")));
  EXPECT_THAT(server->requests().at(0).head, Not(HasSubstr("verysecret")));
  EXPECT_THAT(s3.location(key, std::chrono::seconds{60})->url, Not(HasSubstr("verysecret")));
}

TEST_F(FaultyS3, IsNotSpokenToInTheClear) {
  server.emplace([](auto&, auto) { return http_answer("200 OK", ""); });
  auto secure = config(server->address());
  secure.scheme = "https";
  S3Store s3{std::move(secure), clock};
  EXPECT_THAT(s3.put(key, as_bytes("abc")), FailsWith(ErrorCode::unavailable));
  EXPECT_TRUE(server->requests().empty());
}

}  // namespace
}  // namespace sealift::objects
