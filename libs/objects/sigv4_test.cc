// SPDX-License-Identifier: Apache-2.0
/// Vectors that AWS published: its Signature Version 4 test suite ("get-vanilla…", "post-…"), and the
/// examples of the S3 API Reference ("Signature Calculations for the Authorization Header", "… Query
/// Parameters").
#include "objects/sigv4.h"

#include <gmock/gmock.h>

namespace sealift::objects {
namespace {

using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;

const std::string kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

SecretBytes secret(std::string_view text) { return SecretBytes::copy_of(as_bytes(text)); }

TimePoint at(std::int64_t unix_time) { return TimePoint{seconds{unix_time}}; }
const TimePoint k2013 = at(1369353600);  // 20130524T000000Z
const TimePoint k2015 = at(1440938160);  // 20150830T123600Z

class SuiteVectors : public testing::Test {
 protected:
  std::string signature(const SignableRequest& request, std::string_view payload_hash = kEmptyHash) const {
    const auto text = signer.sign(request, k2015, payload_hash).at("authorization");
    return text.substr(text.find("Signature=") + 10);
  }
  Signer signer{"AKIDEXAMPLE", secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), "us-east-1", "service"};
  const std::string host = "example.amazonaws.com";
};

TEST_F(SuiteVectors, GetVanilla) {
  EXPECT_EQ(signer.sign({"GET", host, "/"}, k2015, kEmptyHash).at("authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST_F(SuiteVectors, QueryInAnyOrderOfKeys) {
  EXPECT_EQ(signature({"GET", host, "/", {{"Param2", "value2"}, {"Param1", "value1"}}}),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST_F(SuiteVectors, QueryOfUnreservedCharacters) {
  const std::string unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  EXPECT_EQ(signature({"GET", host, "/", {{unreserved, unreserved}}}),
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197");
}

TEST_F(SuiteVectors, PostVanilla) {
  EXPECT_EQ(signature({"POST", host, "/"}),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST_F(SuiteVectors, PostWithAHeader) {
  EXPECT_EQ(signature({"POST", host, "/", {}, {{"my-header1", "value1"}}}),
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c");
}

class S3Vectors : public SuiteVectors {
 protected:
  std::string signature(SignableRequest request, const std::string& payload_hash = kEmptyHash) const {
    request.headers["x-amz-content-sha256"] = payload_hash;
    const auto text = s3.sign(request, k2013, payload_hash).at("authorization");
    return text.substr(text.find("Signature=") + 10);
  }
  Signer s3{"AKIAIOSFODNN7EXAMPLE", secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "us-east-1"};
  const std::string bucket = "examplebucket.s3.amazonaws.com";
};

TEST_F(S3Vectors, GetObjectWithARange) {
  EXPECT_EQ(signature({"GET", bucket, "/test.txt", {}, {{"range", "bytes=0-9"}}}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_F(S3Vectors, PutObject) {
  const auto hash =
      to_hex(crypto::digest(crypto::HashAlgorithm::sha256, as_bytes("Welcome to Amazon S3.")).view());
  EXPECT_EQ(
      signature({"PUT",
                 bucket,
                 "/" + uri_encoded("test$file.text"),
                 {},
                 {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}},
                hash),
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST_F(S3Vectors, QueryWithoutAValue) {
  EXPECT_EQ(signature({"GET", bucket, "/", {{"lifecycle", ""}}}),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST_F(S3Vectors, ListObjects) {
  EXPECT_EQ(signature({"GET", bucket, "/", {{"max-keys", "2"}, {"prefix", "J"}}}),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST_F(S3Vectors, PresignedUrl) {
  EXPECT_EQ(s3.presign({"GET", bucket, "/test.txt"}, k2013, seconds{86400}),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256"
            "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
            "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(SigV4, KeepsTheSecretOutOfWhatIsSent) {
  const Signer signer{"id", secret("verysecret"), "r"};
  for (const auto& [name, value] : signer.sign({"GET", "h", "/"}, k2013, kEmptyHash)) {
    EXPECT_THAT(value, testing::Not(HasSubstr("verysecret"))) << name;
  }
}

TEST(SigV4, SortsTheQueryAsItIsSent) {
  // '%' (of what is encoded) comes before the letters, but ' ' and '/' themselves do not come in that order.
  EXPECT_EQ(encoded_query({{"a/", "1"}, {"a-", "2"}, {"a b", ""}}), "a%20b=&a%2F=1&a-=2");
}

}  // namespace
}  // namespace sealift::objects
