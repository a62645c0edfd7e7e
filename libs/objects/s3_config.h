// SPDX-License-Identifier: Apache-2.0
/// Which bucket, where, and as whom: what the URL of an S3 store says.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "objects/retry.h"

namespace sealift::objects {

struct S3Config {
  std::string scheme;  ///< "https", or "http" in the clear
  std::string host;    ///< with the port where one was given
  std::string bucket;  ///< 3 to 63 of a-z, 0-9, '.' and '-'
  std::string region;
  std::string access_key;
  SecretBytes secret_key;
  std::filesystem::path ca_file;  ///< empty: the system's roots
  RetryPolicy retry{};
  std::chrono::seconds patience{30};  ///< for a request that makes no progress
};

/// "s3+https://…" as open_store() describes it; reads the secret's file. invalid_argument, and what reading
/// files fails with.
Result<S3Config> parse_s3_url(std::string_view url);

}  // namespace sealift::objects
