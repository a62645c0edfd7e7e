// SPDX-License-Identifier: Apache-2.0
#include "services/agent/adapters/sev_key_server.h"

#include <fmt/core.h>

#include "tee/sev/certificate.h"

namespace sealift::agent {
namespace {

constexpr int kOk = 200;
constexpr std::chrono::seconds kPatience{20};

/// The wrong file in the bundle would be looked for in vain for ever.
Status check_cek(ByteView bytes) {
  SEALIFT_TRY(const auto cek, sev::Certificate::parse(bytes, "cek"));
  if (cek.usage() == sev::Usage::cek) return {};
  return fail(ErrorCode::sev_certificate_usage_differs, "the key server gives what is no CEK", "cek.usage");
}

}  // namespace

Result<Bytes> SevKeyServer::cek(ByteView chip_id) {
  auto kept = bundle_.cek(chip_id);
  if (kept || kept.error().code != ErrorCode::not_found || options_.url.empty()) return kept;
  const std::lock_guard lock{mutex_};
  if (auto fetched = bundle_.cek(chip_id)) return fetched;  // by whoever was quicker
  if (failed_ && Clock::now() < again_) return tl::unexpected(*failed_);
  auto fetched = fetch(chip_id);
  failed_ = fetched ? std::nullopt : std::optional{fetched.error()};
  again_ = Clock::now() + options_.pause;
  return fetched;
}

Result<Bytes> SevKeyServer::fetch(ByteView chip_id) {
  objects::HttpRequest request{.method = "GET", .url = options_.url + "/cek/id/" + to_hex(chip_id)};
  request.body_limit = 2 * sev::kCertificateSize;
  request.patience = kPatience;
  SEALIFT_TRY(auto answer, http_.send(request));
  if (answer.status != kOk)
    return fail(ErrorCode::unavailable,
                fmt::format("the key server answers {} for this chip's CEK: ask again later, or put the file "
                            "into the bundle as cek/{}",
                            answer.status, to_hex(chip_id)),
                "key_server");
  SEALIFT_CHECK(check_cek(answer.body));
  SEALIFT_CHECK(bundle_.keep_cek(chip_id, answer.body));
  return std::move(answer.body);
}

}  // namespace sealift::agent
