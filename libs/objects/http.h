// SPDX-License-Identifier: Apache-2.0
/// HTTP/1.1 requests by libcurl, for S3: one at a time per call, connections are kept for the next.
///
/// What answers is not trusted: bodies have a limit, redirects are not followed, only https (and http where
/// said so) is spoken, and a transfer slower than 64 KiB/s for `patience` ends. Settings of the environment
/// (proxies, .netrc) are ignored.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::objects {

/// Lower-case name, value without blanks around it.
using HttpHeaders = std::map<std::string, std::string>;

struct HttpRequest {
  std::string method;  ///< "GET", "HEAD", "PUT", "POST", "DELETE"
  std::string url;
  HttpHeaders headers{};
  ByteView body{};
  /// Gets the body of an answer with status 206, piece by piece; its error ends the transfer. The bodies of
  /// other answers are not read then. Without it, the body is collected.
  std::function<Status(ByteView)> sink{};
  std::size_t body_limit = 1U << 20U;  ///< of a collected body, in bytes; too_large beyond
  std::chrono::seconds patience{30};
  std::stop_token stop{};
};

struct HttpAnswer {
  int status = 0;
  HttpHeaders headers{};  ///< the few that are of use here
  Bytes body{};
};

/// Thread-safe.
class HttpClient {
 public:
  /// `ca_file` replaces the system's roots where it is not empty.
  HttpClient(std::filesystem::path ca_file, bool insecure_http);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  /// The answer, whatever its status. unavailable: no connection, or it broke. timeout.
  /// authentication_failed: the server's certificate. canceled.
  Result<HttpAnswer> send(const HttpRequest& request);

 private:
  void* take_handle();
  void give_back(void* handle);

  std::filesystem::path ca_file_;
  bool insecure_http_;
  std::mutex mutex_;
  std::vector<void*> idle_;  ///< CURL handles
};

/// The URL without its query, which may hold a signature: for messages.
std::string shown(std::string_view url);

}  // namespace sealift::objects
