// SPDX-License-Identifier: Apache-2.0
#include "objects/s3_client.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "objects/s3_answers.h"

namespace sealift::objects {
namespace {

struct Refusal {
  std::string_view s3_code;
  ErrorCode code;
  std::string_view field;
  std::string_view message;
};

constexpr std::array kRefusals{
    Refusal{"NoSuchBucket", ErrorCode::not_found, "bucket", "there is no such bucket"},
    Refusal{"NoSuchKey", ErrorCode::not_found, "key", "there is no such object"},
    Refusal{"NoSuchUpload", ErrorCode::not_found, "upload", "there is no such upload any more"},
    Refusal{"InvalidPart", ErrorCode::conflict, "upload", "a part of the upload was replaced"},
    Refusal{"InvalidRange", ErrorCode::truncated, "size", "the object ends before that"},
    Refusal{"RequestTimeTooSkewed", ErrorCode::permission_denied, "clock",
            "it does not accept our time: check this machine's clock"},
    Refusal{"QuotaExceeded", ErrorCode::no_space, "", "the quota is used up"},
};

const Refusal* known_refusal(std::string_view s3_code) {
  const auto* const found = std::ranges::find(kRefusals, s3_code, &Refusal::s3_code);
  return found == kRefusals.end() ? nullptr : found;
}

/// By status alone, where the service gives no code that we know (a HEAD has no body).
Refusal refusal_for(int status) {
  constexpr int kTooManyRequests = 429;
  constexpr int kInsufficientStorage = 507;
  if (status == 404) return {"", ErrorCode::not_found, "", "there is no such thing"};
  if (status == 401 || status == 403)
    return {"", ErrorCode::permission_denied, "credentials",
            "it does not accept our access key or its rights"};
  if (status == 416) return {"", ErrorCode::truncated, "size", "the object ends before that"};
  if (status == kInsufficientStorage) return {"", ErrorCode::no_space, "", "it has no space left"};
  if (status >= 500 || status == kTooManyRequests)
    return {"", ErrorCode::unavailable, "", "it cannot answer at present"};
  if (status >= 300 && status < 400)
    return {"", ErrorCode::unsupported, "host", "it redirects: check host and region"};
  return {"", ErrorCode::io_error, "", "it refused"};
}

tl::unexpected<Error> fail_refused(const HttpAnswer& answer, const std::string& where) {
  const auto s3_code = parse_error_code(answer.body);
  const auto* const known = known_refusal(s3_code);
  const auto refusal = known != nullptr ? *known : refusal_for(answer.status);
  return fail(refusal.code,
              fmt::format("{}: {} ({}{}{})", where, refusal.message, answer.status,
                          s3_code.empty() ? "" : " ", s3_code),
              std::string{refusal.field});
}

Signer signer_for(S3Config& config) {
  return Signer{config.access_key, std::move(config.secret_key), config.region};
}

}  // namespace

S3Client::S3Client(S3Config config, const Clock& clock)
    : config_{std::move(config)},
      clock_{clock},
      signer_{signer_for(config_)},
      http_{config_.ca_file, config_.scheme == "http"} {}

std::string S3Client::path_of(const std::string& key) const {
  // Keys have no character that would have to be encoded.
  return "/" + config_.bucket + (key.empty() ? "" : "/" + key);
}

Result<HttpAnswer> S3Client::send_once(const S3Request& request) {
  const auto hash = to_hex(crypto::digest(crypto::HashAlgorithm::sha256, request.body).view());
  SignableRequest signable{request.method, config_.host, path_of(request.key), request.query,
                           request.headers};
  signable.headers["x-amz-content-sha256"] = hash;
  const auto base = config_.scheme + "://" + config_.host + signable.path;
  const auto query = encoded_query(request.query);
  SEALIFT_TRY(auto answer, http_.send({.method = request.method,
                                       .url = query.empty() ? base : base + "?" + query,
                                       .headers = signer_.sign(signable, clock_.now(), hash),
                                       .body = request.body,
                                       .body_limit = request.body_limit,
                                       .patience = config_.patience + request.more_patience}));
  if (answer.status >= 200 && answer.status < 300) return answer;
  return fail_refused(answer, base);
}

Result<HttpAnswer> S3Client::send(const S3Request& request) {
  Retry retry{config_.retry};
  for (;;) {
    auto answer = send_once(request);
    if (answer || !retry.again(answer.error())) return answer;
  }
}

std::string S3Client::presigned(const std::string& key, std::chrono::seconds lifetime) const {
  const auto path = path_of(key);
  const auto query = signer_.presign({"GET", config_.host, path}, clock_.now(), lifetime);
  return config_.scheme + "://" + config_.host + path + "?" + query;
}

}  // namespace sealift::objects
