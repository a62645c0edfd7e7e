// SPDX-License-Identifier: Apache-2.0
/// AWS Signature Version 4, as S3 wants it (AWS General Reference, "Signing AWS API requests"; S3 API
/// Reference, "Authenticating Requests"): in the Authorization header, or in the query of a presigned URL.
///
/// curl's own signer is not used: it cannot presign, and what it signs depends on what else curl adds.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"
#include "crypto/digest.h"

namespace sealift::objects {

struct SignableRequest {
  std::string method;
  std::string host;  ///< as the Host header has it: with the port unless it is the scheme's own
  std::string path;  ///< from '/' on, as sent: each segment uri_encoded()
  std::map<std::string, std::string> query{};    ///< not encoded; "" for a name without value
  std::map<std::string, std::string> headers{};  ///< lower-case names, values as sent, without host
};

class Signer {
 public:
  Signer(std::string access_key, SecretBytes secret_key, std::string region, std::string service = "s3");

  /// The headers to send: the request's own, x-amz-date and authorization. `payload_hash` is the SHA-256 of
  /// the body in hex; S3 also wants it as the header x-amz-content-sha256, which the caller adds before.
  std::map<std::string, std::string> sign(const SignableRequest& request, TimePoint now,
                                          std::string_view payload_hash) const;
  /// The query to send, encoded, without '?'. For the request's method and query alone, any body.
  std::string presign(SignableRequest request, TimePoint now, std::chrono::seconds lifetime) const;

 private:
  std::string scope(std::string_view date) const;
  std::string signature(std::string_view time, std::string_view canonical_request) const;

  std::string access_key_;
  SecretBytes secret_key_;
  std::string region_;
  std::string service_;
};

/// Everything but A-Z a-z 0-9 - . _ ~ as %XX.
std::string uri_encoded(std::string_view text);
/// "a=b&c=", sorted and encoded.
std::string encoded_query(const std::map<std::string, std::string>& query);

}  // namespace sealift::objects
