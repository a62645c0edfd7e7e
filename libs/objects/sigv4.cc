// SPDX-License-Identifier: Apache-2.0
#include "objects/sigv4.h"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>

namespace sealift::objects {
namespace {

using crypto::HashAlgorithm;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

/// "20130524T000000Z"; its first eight characters are the date.
std::string amz_time(TimePoint now) {
  const auto seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

constexpr std::size_t kDateSize = 8;

std::string signed_headers(const SignableRequest& request) {
  std::string names;
  for (const auto& [name, value] : request.headers) names += (names.empty() ? "" : ";") + name;
  return names;
}

/// `request.headers` has the host by now.
std::string canonical(const SignableRequest& request, std::string_view payload_hash) {
  std::string headers;
  for (const auto& [name, value] : request.headers) headers += name + ":" + value + "\n";
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, request.path, encoded_query(request.query),
                     headers, signed_headers(request), payload_hash);
}

/// Replaces `key`, which is not needed any more, by HMAC(key, text).
void derive(crypto::Digest& key, std::string_view text) {
  auto next = crypto::hmac(HashAlgorithm::sha256, key.view(), {as_bytes(text)});
  key.wipe();
  key = next;
  next.wipe();
}

}  // namespace

std::string uri_encoded(std::string_view text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const auto c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string encoded_query(const std::map<std::string, std::string>& query) {
  // Sorted after encoding: '-' comes before '%', but not before every character that is encoded.
  std::map<std::string, std::string> encoded;
  for (const auto& [name, value] : query) encoded[uri_encoded(name)] = uri_encoded(value);
  std::string out;
  for (const auto& [name, value] : encoded) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

Signer::Signer(std::string access_key, SecretBytes secret_key, std::string region, std::string service)
    : access_key_{std::move(access_key)},
      secret_key_{std::move(secret_key)},
      region_{std::move(region)},
      service_{std::move(service)} {}

std::string Signer::scope(std::string_view date) const {
  return fmt::format("{}/{}/{}/aws4_request", date, region_, service_);
}

std::string Signer::signature(std::string_view time, std::string_view canonical_request) const {
  constexpr std::string_view kPrefix = "AWS4";
  const auto date = time.substr(0, kDateSize);
  const auto hash = crypto::digest(HashAlgorithm::sha256, as_bytes(canonical_request));
  const auto to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, scope(date), to_hex(hash.view()));
  SecretBytes first{kPrefix.size() + secret_key_.size()};
  std::ranges::copy(kPrefix, first.expose_for_writing().begin());
  std::ranges::copy(secret_key_.expose(), first.expose_for_writing().begin() + kPrefix.size());
  auto key = crypto::hmac(HashAlgorithm::sha256, first.expose(), {as_bytes(date)});
  for (const auto& text : {region_, service_, std::string{"aws4_request"}}) derive(key, text);
  auto result = to_hex(crypto::hmac(HashAlgorithm::sha256, key.view(), {as_bytes(to_sign)}).view());
  key.wipe();
  return result;
}

std::map<std::string, std::string> Signer::sign(const SignableRequest& request, TimePoint now,
                                                std::string_view payload_hash) const {
  const auto time = amz_time(now);
  auto full = request;
  full.headers["x-amz-date"] = time;
  auto headers = full.headers;  // curl sends the host by itself
  full.headers["host"] = request.host;
  headers["authorization"] =
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm, access_key_,
                  scope(std::string_view{time}.substr(0, kDateSize)), signed_headers(full),
                  signature(time, canonical(full, payload_hash)));
  return headers;
}

std::string Signer::presign(SignableRequest request, TimePoint now, std::chrono::seconds lifetime) const {
  const auto time = amz_time(now);
  request.headers["host"] = request.host;
  request.query["X-Amz-Algorithm"] = kAlgorithm;
  request.query["X-Amz-Credential"] = access_key_ + "/" + scope(std::string_view{time}.substr(0, kDateSize));
  request.query["X-Amz-Date"] = time;
  request.query["X-Amz-Expires"] = std::to_string(lifetime.count());
  request.query["X-Amz-SignedHeaders"] = signed_headers(request);
  const auto signed_by = signature(time, canonical(request, "UNSIGNED-PAYLOAD"));
  return encoded_query(request.query) + "&X-Amz-Signature=" + signed_by;
}

}  // namespace sealift::objects
