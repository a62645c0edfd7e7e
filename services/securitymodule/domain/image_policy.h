// SPDX-License-Identifier: Apache-2.0
/// On which hosts, in which state, an image may be opened: what the tenant sent, checked.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "sealift/v1/security_module.pb.h"
#include "services/securitymodule/domain/sev_policy.h"
#include "tee/measured.h"

namespace sealift::securitymodule {

/// Immutable; usable by several threads.
class ImagePolicy {
 public:
  /// Strict, so that what cannot ever be satisfied is refused when it is inserted and not at a launch. The
  /// field is the member's path: "policy.trusted_roots[1]". invalid_argument, too_large, or a code of
  /// crypto/x509_verify.h.
  static Result<ImagePolicy> check(const v1::SeedPolicy& policy);
  /// What document() gave.
  static Result<ImagePolicy> read(ByteView document);

  /// The policy in its one spelling: equal policies have equal documents.
  const Bytes& document() const noexcept { return document_; }
  /// SHA-256 of the document.
  const crypto::Digest& digest() const noexcept { return digest_; }
  const v1::SeedPolicy& message() const noexcept { return message_; }
  /// failed_precondition at "tee".
  Status allow(std::string_view tee) const;
  /// failed_precondition at "policy.not_before" or "policy.not_after".
  Status allow_time(TimePoint now) const;
  /// The host whose storage key demands one of the approved states (tee/measured.h). failed_precondition at
  /// "policy.models" or "policy.hardware_keys" where it is genuine, but none of those named.
  Result<tee::MeasuredHost> verify(ByteView evidence, TimePoint now) const;
  /// failed_precondition at what can be kept to only while hosts ask: times, revocation lists that are
  /// required, launches that are proven one by one.
  Status allow_ahead() const;
  /// What it says of platforms, and nothing else of it, as one digest: a platform that was found good under
  /// one policy is so under another of the same.
  const crypto::Digest& trust() const noexcept { return trust_; }
  /// A key that is known to live in a TPM, as one in an approved state.
  Result<tee::VerifiedStorageKey> verify_key(const tpm::Public& key) const;
  /// How many hosts may be authorized, ever; 0: any number.
  std::uint32_t maximum_hosts() const noexcept { return message_.maximum_hosts(); }
  /// The same of an SEV machine.
  Status allow_hardware_key(const crypto::Digest& hash) const;
  /// Of an image for SEV, and of no other; nullptr elsewhere.
  const sev::LaunchPolicy* sev() const noexcept { return sev_ ? &*sev_ : nullptr; }
  /// invalid_argument for what cannot be the seed, or the launch secret, of such an image.
  Status check_seed(const SecretBytes& seed) const;

 private:
  ImagePolicy(v1::SeedPolicy message, std::vector<tee::MeasuredPolicy> references);
  ImagePolicy(v1::SeedPolicy message, sev::LaunchPolicy sev);
  static Result<ImagePolicy> check_sev(const v1::SeedPolicy& policy);
  Status allow_platform(const tee::VerifiedPlatform& platform) const;

  v1::SeedPolicy message_;
  std::vector<tee::MeasuredPolicy> references_;
  std::optional<sev::LaunchPolicy> sev_;
  Bytes document_;
  crypto::Digest digest_;
  crypto::Digest trust_;
};

}  // namespace sealift::securitymodule
