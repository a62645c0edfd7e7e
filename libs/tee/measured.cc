// SPDX-License-Identifier: Apache-2.0
#include "tee/measured.h"

#include <fmt/core.h>

#include "tpm/evidence.h"

namespace sealift::tee {
namespace {

class MeasuredExamination final : public Examination {
 public:
  explicit MeasuredExamination(Challenge challenge)
      : challenge_{std::move(challenge)}, question_{tpm::credential_file(challenge_.credential())} {}
  ByteView question() const override { return question_; }
  Result<std::unique_ptr<ProvenTarget>> conclude(ByteView answer, TimePoint now) override {
    SEALIFT_TRY(auto host, challenge_.finish(answer, now));
    return std::make_unique<MeasuredTarget>(std::move(host));
  }

 private:
  Challenge challenge_;
  Bytes question_;
};

}  // namespace

Result<MeasuredHost> verify_measured_evidence(ByteView evidence, const MeasuredPolicy& policy,
                                              TimePoint now) {
  SEALIFT_TRY(auto shown, tpm::parse_evidence(evidence));
  if (shown.profile != policy.profile->name) {
    return differs(ErrorCode::storage_key_policy_differs,
                   fmt::format("the machine is provisioned by the profile \"{}\"; \"{}\" is asked for",
                               shown.profile, policy.profile->name),
                   "profile", std::string{policy.profile->name}, shown.profile);
  }
  SEALIFT_TRY(auto platform,
              VerifiedPlatform::verify({std::move(shown.ek_certificates), std::move(shown.endorsement_key),
                                        std::move(shown.platform_certificate)},
                                       policy.roots, now));
  SEALIFT_TRY(auto key, VerifiedStorageKey::verify(shown.storage_key, *policy.profile, policy.approved));
  return MeasuredHost{std::move(platform), std::move(key)};
}

Result<Challenge> challenge_measured_host(ByteView evidence, const MeasuredPolicy& policy, TimePoint now,
                                          std::chrono::seconds lifetime) {
  SEALIFT_TRY(const auto host, verify_measured_evidence(evidence, policy, now));
  return Challenge::create(host.platform, host.key, now, lifetime);
}

Result<std::unique_ptr<Examination>> MeasuredBackend::examine(ByteView evidence, TimePoint now) const {
  SEALIFT_TRY(auto challenge, challenge_measured_host(evidence, policy_, now));
  return std::make_unique<MeasuredExamination>(std::move(challenge));
}

}  // namespace sealift::tee
