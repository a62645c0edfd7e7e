// SPDX-License-Identifier: Apache-2.0
/// AMD's key server, and a bundle that makes it needed once for each chip: it is slow at times, and takes few
/// questions.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>

#include "objects/http.h"
#include "services/agent/sev/key_files.h"

namespace sealift::agent {

struct SevKeyServerOptions {
  /// "https://kdsintf.amd.com": GET /cek/id/CHIP-ID there gives a CEK with the ASK's signature. "": what the
  /// bundle lacks is missing.
  std::string url{};
  std::filesystem::path ca_file{};  ///< instead of the system's roots
  bool insecure_http = false;
  std::chrono::seconds pause{60};  ///< after an answer that is none
};

/// Thread-safe.
class SevKeyServer {
 public:
  SevKeyServer(std::filesystem::path bundle, SevKeyServerOptions options)
      : bundle_{std::move(bundle)},
        options_{std::move(options)},
        http_{options_.ca_file, options_.insecure_http} {}

  Result<Bytes> ark() const { return bundle_.ark(); }
  Result<Bytes> ask() const { return bundle_.ask(); }
  /// From the bundle, or else from the server, and then into the bundle. not_found naming the file, where
  /// there is no server to ask; unavailable or timeout where it does not answer; sev_cek_unsigned and codes
  /// of sev::Certificate for an answer that is none.
  Result<Bytes> cek(ByteView chip_id);

 private:
  using Clock = std::chrono::steady_clock;
  Result<Bytes> fetch(ByteView chip_id);

  const SevKeyFiles bundle_;
  const SevKeyServerOptions options_;
  objects::HttpClient http_;
  std::mutex mutex_;
  std::optional<Error> failed_;  ///< not asked again before…
  Clock::time_point again_{};
};

}  // namespace sealift::agent
