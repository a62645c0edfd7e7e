// SPDX-License-Identifier: Apache-2.0
/// Our signer against curl's: what curl sends, signed by us for the same time, is what curl signed.
#include <curl/curl.h>

#include <ctime>

#include "base/matchers.h"
#include "objects/http_server_for_test.h"
#include "objects/sigv4.h"

namespace sealift::objects {
namespace {

const std::string kAccessKey = "AKIDEXAMPLE";
const std::string kSecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

std::string header(const SeenRequest& request, const std::string& name) {
  const auto at = request.head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const auto start = at + name.size() + 4;
  return request.head.substr(start, request.head.find("\r\n", start) - start);
}

TimePoint parse_time(const std::string& text) {
  std::tm parts{};
  EXPECT_NE(::strptime(text.c_str(), "%Y%m%dT%H%M%SZ", &parts), nullptr) << text;
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

/// What curl sends to `path_and_query` with its own signature.
SeenRequest sent_by_curl(const std::string& method, const std::string& path_and_query,
                         const std::string& body, const std::vector<std::string>& headers) {
  const HttpServerForTest server{[](auto&, auto) { return http_answer("200 OK", ""); }};
  const auto url = "http://" + server.address() + path_and_query;
  auto* const curl = curl_easy_init();
  curl_slist* list = nullptr;
  for (const auto& line : headers) list = curl_slist_append(list, line.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method.c_str());
  if (!body.empty()) curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, body.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:s3");
  curl_easy_setopt(curl, CURLOPT_USERPWD, (kAccessKey + ":" + kSecretKey).c_str());
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  EXPECT_EQ(curl_easy_perform(curl), CURLE_OK);
  curl_slist_free_all(list);
  curl_easy_cleanup(curl);
  return server.requests().at(0);
}

/// The authorization that we make of the same request. curl signs host, x-amz-date and what it was given.
std::string signed_by_us(const SeenRequest& sent, SignableRequest request) {
  const auto hash = to_hex(crypto::digest(crypto::HashAlgorithm::sha256, as_bytes(sent.body)).view());
  request.host = header(sent, "Host");
  request.headers["x-amz-content-sha256"] = hash;
  const Signer signer{kAccessKey, SecretBytes::copy_of(as_bytes(kSecretKey)), "us-east-1"};
  return signer.sign(request, parse_time(header(sent, "X-Amz-Date")), hash).at("authorization");
}

std::string hash_header(std::string_view body) {
  return "x-amz-content-sha256: " +
         to_hex(crypto::digest(crypto::HashAlgorithm::sha256, as_bytes(body)).view());
}

TEST(SigV4AndCurl, AgreeOnAGet) {
  const auto sent = sent_by_curl("GET", "/bucket/sha512/abc", "", {hash_header(""), "range: bytes=0-9"});
  EXPECT_EQ(header(sent, "Authorization"),
            signed_by_us(sent, {"GET", "", "/bucket/sha512/abc", {}, {{"range", "bytes=0-9"}}}));
}

TEST(SigV4AndCurl, AgreeOnAQuery) {
  const auto sent = sent_by_curl("PUT", "/bucket/heads/a?partNumber=7&uploadId=2~a%2Fb", "the part",
                                 {hash_header("the part"), "content-type: text/plain"});
  EXPECT_EQ(header(sent, "Authorization"), signed_by_us(sent, {"PUT",
                                                               "",
                                                               "/bucket/heads/a",
                                                               {{"partNumber", "7"}, {"uploadId", "2~a/b"}},
                                                               {{"content-type", "text/plain"}}}));
}

}  // namespace
}  // namespace sealift::objects
