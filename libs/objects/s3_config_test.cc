// SPDX-License-Identifier: Apache-2.0
#include "objects/s3_config.h"

#include "base/file.h"
#include "base/matchers.h"
#include "objects/object_store.h"

namespace sealift::objects {
namespace {

class S3Url : public testing::Test {
 protected:
  S3Url() { EXPECT_THAT(write_file(secret_file, as_bytes("s3cr3t/+\n")), Succeeds()); }
  std::string url(std::string_view place = "s3+https://store.example/bucket") const {
    return std::string{place} +
           "?region=us-east-1&access_key=tenant:user&secret_file=" + secret_file.string();
  }
  TemporaryDirectory directory = TemporaryDirectory::create().value();
  std::filesystem::path secret_file = directory.path() / "secret";
};

TEST_F(S3Url, SaysWhereAndAsWhom) {
  const auto config = parse_s3_url(url("s3+https://store.example:8443/my-bucket.1") + "&ca_file=/ca.pem");
  ASSERT_THAT(config, Succeeds());
  EXPECT_EQ(config->scheme, "https");
  EXPECT_EQ(config->host, "store.example:8443");
  EXPECT_EQ(config->bucket, "my-bucket.1");
  EXPECT_EQ(config->region, "us-east-1");
  EXPECT_EQ(config->access_key, "tenant:user");
  EXPECT_TRUE(config->secret_key.equals(as_bytes("s3cr3t/+")));
  EXPECT_EQ(config->ca_file, "/ca.pem");
}

TEST_F(S3Url, LeavesOutThePortThatIsTheSchemesOwn) {
  EXPECT_EQ(parse_s3_url(url("s3+https://store.example:443/bucket"))->host, "store.example");
  EXPECT_EQ(parse_s3_url(url("s3+insecure-http://[::1]:80/bucket"))->host, "[::1]");
  EXPECT_EQ(parse_s3_url(url("s3+insecure-http://store.example:443/bucket"))->host, "store.example:443");
}

TEST_F(S3Url, SpeaksInTheClearOnlyWhereItSaysSo) {
  EXPECT_EQ(parse_s3_url(url("s3+insecure-http://127.0.0.1:1/bucket"))->scheme, "http");
  EXPECT_THAT(parse_s3_url(url("s3+http://127.0.0.1:1/bucket")),
              FailsAt(ErrorCode::invalid_argument, "scheme"));
}

TEST_F(S3Url, NamesWhatIsWrongWithIt) {
  const auto refused = [](const std::string& text, std::string_view field) {
    EXPECT_THAT(parse_s3_url(text), FailsAt(ErrorCode::invalid_argument, field)) << text;
  };
  refused(url("s3+https:///bucket"), "host");
  refused(url("s3+https://user@host/bucket"), "host");
  refused(url("s3+https://host"), "bucket");
  refused(url("s3+https://host/b"), "bucket");
  refused(url("s3+https://host/buc/ket"), "bucket");
  refused(url("s3+https://host/Bucket"), "bucket");
  refused(url("s3+https://host/../x"), "bucket");
  refused(url() + "&region=b", "region");
  refused(url() + "&ca_file", "ca_file");
  refused(url() + "&secret=abc", "query");
  refused("s3+https://host/bucket?region=r&access_key=a", "secret_file");
  refused("s3+https://host/bucket?region=r&secret_file=/x", "access_key");
  refused("s3+https://host/bucket?region=a%20b&access_key=a&secret_file=/x", "region");
}

TEST_F(S3Url, NeedsASecret) {
  EXPECT_THAT(parse_s3_url(url() + ".missing"), FailsWith(ErrorCode::not_found));
  ASSERT_THAT(write_file(secret_file, as_bytes("\n")), Succeeds());
  EXPECT_THAT(parse_s3_url(url()), FailsAt(ErrorCode::invalid_argument, "secret_file"));
}

TEST_F(S3Url, OpensAStore) {
  EXPECT_THAT(open_store(url()), Succeeds());
  EXPECT_THAT(open_store("dir:" + (directory.path() / "new").string()), Succeeds());
  for (const auto* const other : {"", "dir:", "dir:relative", "/path", "https://host/bucket", "file:///x"}) {
    EXPECT_THAT(open_store(other), FailsAt(ErrorCode::invalid_argument, "scheme")) << other;
  }
}

}  // namespace
}  // namespace sealift::objects
