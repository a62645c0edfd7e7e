// SPDX-License-Identifier: Apache-2.0
/// For tests: a real S3 service, OpenStack Swift with its S3 API, over https on a free port. It checks
/// signatures. It takes some seconds to start: share one between tests.
#pragma once

#include <string>

#include "base/file.h"
#include "base/process.h"
#include "objects/s3_config.h"

namespace sealift::objects {

class SwiftForTest {
 public:
  /// Elsewhere than on a free port of 127.0.0.1.
  struct Place {
    std::string address = "127.0.0.1";
    std::string port = "0";
    std::string name = "IP:127.0.0.1";  ///< in its certificate: "DNS:…" or "IP:…"
  };
  static Result<SwiftForTest> start() { return start(Place{}); }
  static Result<SwiftForTest> start(const Place& place);

  /// For open_store(), with credentials that may do everything.
  std::string url(const std::string& bucket) const;
  S3Config config(const std::string& bucket) const;
  Status create_bucket(const std::string& bucket) const;
  std::filesystem::path ca_file() const { return directory_.path() / "certificate.pem"; }

 private:
  explicit SwiftForTest(TemporaryDirectory directory) : directory_{std::move(directory)} {}
  Status launch(const Place& place);

  TemporaryDirectory directory_;
  UniqueFd input_;  ///< the server ends when this is closed
  Child process_{-1};
  std::string port_;
};

}  // namespace sealift::objects
