// SPDX-License-Identifier: Apache-2.0
/// A host's side of the store: gets an object by its location into a file, and believes nothing but the
/// digest.
#pragma once

#include <filesystem>
#include <stop_token>

#include "base/progress.h"
#include "crypto/digest.h"
#include "objects/http.h"
#include "objects/object_store.h"
#include "objects/retry.h"

namespace sealift::objects {

class PartialFile;

struct FetchOptions {
  std::filesystem::path
      directory{};  ///< the root of a directory store as this host sees it; empty: it has none
  std::filesystem::path ca_file{};    ///< replaces the system's roots; empty: those
  bool insecure_http = false;         ///< also take http locations
  RetryPolicy retry{};                ///< attempts that bring less than 1 MiB
  std::chrono::seconds patience{30};  ///< for a transfer that makes no progress
};

struct WantedObject {
  std::uint64_t size;  ///< 1 to kMaxObjectSize
  crypto::Digest sha512;
  bool lasting = true;  ///< false: a loss of power may take it, or leave something else in its place
};

/// Thread-safe.
class Fetcher {
 public:
  explicit Fetcher(FetchOptions options);

  /// `destination` is there and whole, or not there. What has arrived waits in `destination`.part, and the
  /// next call goes on from there, also with another location. object_differs: the store has other bytes.
  /// permission_denied: the location is not good any more, ask for another. conflict: somebody else is
  /// fetching to there. unsupported: a redirect, or a server without ranges. not_found, unavailable, timeout,
  /// no_space, canceled, authentication_failed (the server's certificate).
  Status fetch(const Location& location, const WantedObject& wanted, const std::filesystem::path& destination,
               Progress& progress, const std::stop_token& stop = {});

 private:
  Status transfer(const Location& location, PartialFile& file, const std::stop_token& stop);
  Status copy(const ObjectKey& key, PartialFile& file, const std::stop_token& stop) const;
  Status download(const std::string& url, PartialFile& file, const std::stop_token& stop);

  FetchOptions options_;
  HttpClient http_;
};

}  // namespace sealift::objects
