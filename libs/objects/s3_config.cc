// SPDX-License-Identifier: Apache-2.0
#include "objects/s3_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/file.h"

namespace sealift::objects {
namespace {

constexpr std::size_t kMaxSecretFile = 4096;
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789";

tl::unexpected<Error> fail_url(std::string_view field, std::string_view what) {
  return fail(ErrorCode::invalid_argument, fmt::format("the object store's URL: {}", what),
              std::string{field});
}

bool made_of(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [more](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

/// Takes what stands before `end` (or all) off the front of `text`, and `end` with it.
std::string_view take_until(std::string_view& text, char end) {
  const auto found = text.find(end);
  const auto front = text.substr(0, found);
  text.remove_prefix(found == std::string_view::npos ? text.size() : found + 1);
  return front;
}

/// Each of the names at most once, no other.
Result<std::map<std::string, std::string>> parse_query(std::string_view query) {
  static const std::vector<std::string> kNames{"region", "access_key", "secret_file", "ca_file"};
  std::map<std::string, std::string> values;
  while (!query.empty()) {
    auto pair = take_until(query, '&');
    const std::string name{take_until(pair, '=')};
    if (std::ranges::find(kNames, name) == kNames.end()) return fail_url("query", "unknown name " + name);
    if (pair.empty() || !values.emplace(name, pair).second) return fail_url(name, name + " needs one value");
  }
  return values;
}

bool is_bucket(std::string_view bucket) {
  return bucket.size() >= 3 && bucket.size() <= 63 && kLower.find(bucket.front()) != std::string_view::npos &&
         bucket.find_first_not_of(std::string{kLower} + ".-") == std::string_view::npos;
}

Result<SecretBytes> read_secret_line(const std::filesystem::path& path) {
  SEALIFT_TRY(auto secret, read_secret_file(path, kMaxSecretFile));
  auto size = secret.size();
  while (size > 0 && (secret.expose()[size - 1] == '\n' || secret.expose()[size - 1] == '\r')) --size;
  secret.shrink(size);
  if (size == 0) return fail_url("secret_file", path.string() + " is empty");
  return secret;
}

}  // namespace

Result<S3Config> parse_s3_url(std::string_view url) {
  constexpr std::string_view kHttps = "s3+https://";
  constexpr std::string_view kHttp = "s3+insecure-http://";
  const bool secure = url.starts_with(kHttps);
  if (!secure && !url.starts_with(kHttp)) return fail_url("scheme", "it starts with s3+https://");
  url.remove_prefix(secure ? kHttps.size() : kHttp.size());
  auto place = take_until(url, '?');
  SEALIFT_TRY(auto query, parse_query(url));
  S3Config config;
  config.scheme = secure ? "https" : "http";
  config.host = take_until(place, '/');
  // HTTP leaves the scheme's own port out of the Host header, which is signed.
  const std::string_view own_port = secure ? ":443" : ":80";
  if (config.host.ends_with(own_port)) config.host.resize(config.host.size() - own_port.size());
  config.bucket = place;
  config.region = query["region"];
  config.access_key = query["access_key"];
  config.ca_file = query["ca_file"];
  if (config.host.empty() || !made_of(config.host, ".-:[]")) return fail_url("host", "no valid host");
  if (!is_bucket(config.bucket)) return fail_url("bucket", "no valid bucket");
  if (config.region.empty() || !made_of(config.region, "-_")) return fail_url("region", "no valid region");
  if (config.access_key.empty() || !made_of(config.access_key, "-_.:@+=$"))
    return fail_url("access_key", "no valid access key");
  if (query["secret_file"].empty()) return fail_url("secret_file", "no secret_file");
  SEALIFT_TRY(config.secret_key, read_secret_line(query["secret_file"]));
  return config;
}

}  // namespace sealift::objects
