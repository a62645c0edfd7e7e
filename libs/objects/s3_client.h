// SPDX-License-Identifier: Apache-2.0
/// Signed requests to one bucket: tries again what may pass, and tells in our own errors what the service
/// refused.
#pragma once

#include "base/clock.h"
#include "objects/http.h"
#include "objects/s3_config.h"
#include "objects/sigv4.h"

namespace sealift::objects {

struct S3Request {
  std::string method;
  std::string key{};  ///< "" for the bucket itself
  std::map<std::string, std::string> query{};
  HttpHeaders headers{};
  ByteView body{};
  std::size_t body_limit = 1U << 20U;     ///< of the answer
  std::chrono::seconds more_patience{0};  ///< for work that the service does before it answers
};

class S3Client {
 public:
  S3Client(S3Config config, const Clock& clock);

  /// A 2xx answer. not_found at "bucket", "key" or "upload" (or "" where the service does not say which);
  /// permission_denied at "credentials" or "clock"; unavailable, timeout: after several attempts; truncated:
  /// no such range; no_space; io_error for the rest.
  Result<HttpAnswer> send(const S3Request& request);
  /// A URL that gives the object to whoever has it.
  std::string presigned(const std::string& key, std::chrono::seconds lifetime) const;
  const std::string& bucket() const noexcept { return config_.bucket; }

 private:
  Result<HttpAnswer> send_once(const S3Request& request);
  std::string path_of(const std::string& key) const;

  S3Config config_;
  const Clock& clock_;
  Signer signer_;
  HttpClient http_;
};

}  // namespace sealift::objects
