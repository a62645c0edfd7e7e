// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/sev_policy.h"

#include <fmt/core.h>

#include "services/securitymodule/domain/limits.h"

namespace sealift::securitymodule {
namespace {

constexpr std::size_t kDigestSize = 32;
constexpr std::size_t kNamed = 16;  // hexadecimal digits of a root's fingerprint that name it

tl::unexpected<Error> refuse(std::string_view member, std::string_view why) {
  return fail(ErrorCode::invalid_argument, fmt::format("the policy's sev.{} {}", member, why),
              fmt::format("policy.sev.{}", member));
}

Result<crypto::Digest> digest(const std::string& bytes, std::string_view member) {
  if (bytes.size() != kDigestSize) return refuse(member, "has not 32 bytes");
  return crypto::Digest{as_bytes(bytes)};
}

Result<std::uint8_t> byte(std::uint32_t number, std::string_view member) {
  if (number > UINT8_MAX) return refuse(member, "is larger than 255");
  return static_cast<std::uint8_t>(number);
}

Result<std::vector<sev::PinnedRoot>> roots(const v1::SevPolicy& policy) {
  if (policy.trusted_arks().empty()) return sev::amd_roots();
  if (policy.trusted_arks_size() > kMaxRoots) return refuse("trusted_arks", "are too many");
  std::vector<sev::PinnedRoot> pinned;
  for (const auto& ark : policy.trusted_arks()) {
    SEALIFT_TRY(const auto fingerprint, digest(ark, fmt::format("trusted_arks[{}]", pinned.size())));
    pinned.push_back({to_hex(fingerprint.view()).substr(0, kNamed), fingerprint});
  }
  return pinned;
}

Result<std::vector<sev::SuspectDigest>> suspects(const v1::SevPolicy& policy) {
  if (policy.suspects_size() > kMaxSuspects) return refuse("suspects", "are too many");
  std::vector<sev::SuspectDigest> all;
  for (const auto& suspect : policy.suspects()) {
    const auto member = fmt::format("suspects[{}]", all.size());
    SEALIFT_TRY(const auto launch, digest(suspect.launch_digest(), member));
    if (suspect.input().size() > kMaxSuspectText || suspect.what().size() > kMaxSuspectText)
      return refuse(member, "is too long");
    all.push_back({launch, {suspect.input(), suspect.what()}});
  }
  return all;
}

}  // namespace

Result<sev::LaunchPolicy> check_sev_policy(const v1::SevPolicy& policy) {
  sev::LaunchPolicy terms;
  terms.policy = sev::Policy{policy.policy()};
  SEALIFT_CHECK(sev::check_keeps_secrets(terms.policy));
  SEALIFT_TRY(terms.roots, roots(policy));
  SEALIFT_TRY(terms.minimum_api.major, byte(policy.minimum_api_major(), "minimum_api_major"));
  SEALIFT_TRY(terms.minimum_api.minor, byte(policy.minimum_api_minor(), "minimum_api_minor"));
  SEALIFT_TRY(terms.minimum_build, byte(policy.minimum_build(), "minimum_build"));
  SEALIFT_TRY(terms.expected, digest(policy.launch_digest(), "launch_digest"));
  SEALIFT_TRY(terms.suspects, suspects(policy));
  return terms;
}

}  // namespace sealift::securitymodule
