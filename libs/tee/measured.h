// SPDX-License-Identifier: Apache-2.0
/// The `measured` back end: any machine with a TPM 2.0.
#pragma once

#include "tee/backend.h"
#include "tee/challenge.h"

namespace sealift::tee {

/// What the customer approves of.
struct MeasuredPolicy {
  TrustedRoots roots;
  const tpm::Profile* profile;  ///< how the machine must have been provisioned
  tpm::Binding approved;        ///< the states that the storage key's policy must demand
};

/// A host whose evidence holds as far as it goes: both checks that need no question (tee/platform.h,
/// tee/storage_key.h). That the key lives in that platform's TPM is not proven.
struct MeasuredHost {
  VerifiedPlatform platform;
  VerifiedStorageKey key;
};

/// `evidence` is the document of tpm/evidence.h.
Result<MeasuredHost> verify_measured_evidence(ByteView evidence, const MeasuredPolicy& policy, TimePoint now);

class MeasuredTarget final : public ProvenTarget {
 public:
  explicit MeasuredTarget(EnrolledHost host) : host_{std::move(host)} {}
  crypto::Digest hardware_key_hash() const override { return host_.hardware_key_hash(); }
  const EnrolledHost& host() const noexcept { return host_; }

 private:
  EnrolledHost host_;
};

/// The same, and the question.
Result<Challenge> challenge_measured_host(ByteView evidence, const MeasuredPolicy& policy, TimePoint now,
                                          std::chrono::seconds lifetime = kChallengeLifetime);

/// The question is a credential file as tpm2_makecredential writes it, the answer its 32-byte secret; the
/// target is a MeasuredTarget.
class MeasuredBackend final : public TeeBackend {
 public:
  explicit MeasuredBackend(MeasuredPolicy policy) : policy_{std::move(policy)} {}
  std::string_view name() const noexcept override { return "measured"; }
  Result<std::unique_ptr<Examination>> examine(ByteView evidence, TimePoint now) const override;

 private:
  MeasuredPolicy policy_;
};

}  // namespace sealift::tee
