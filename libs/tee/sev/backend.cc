// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/backend.h"

#include <fmt/core.h>

#include <tuple>
#include <utility>

namespace sealift::sev {
namespace {

class SevExamination final : public tee::Examination {
 public:
  SevExamination(LaunchSession session, const LaunchPolicy& policy, const FirmwareVersion& firmware,
                 const crypto::Digest& hardware_key_hash, TimePoint now)
      : keys_{std::move(session.keys)},
        policy_{policy.policy},
        expected_{policy.expected},
        firmware_{firmware},
        hardware_key_hash_{hardware_key_hash},
        asked_at_{now} {
    const auto text = to_json(LaunchRequest{policy_, to_bytes(session.godh.bytes()), to_bytes(session.blob)});
    question_ = to_bytes(as_bytes(text));
  }

  ByteView question() const override { return question_; }

  Result<std::unique_ptr<tee::ProvenTarget>> conclude(ByteView answer, TimePoint now) override {
    if (std::exchange(used_, true)) {
      return fail(ErrorCode::challenge_used, "this launch was answered before", "measurement");
    }
    if (now < asked_at_ || now >= asked_at_ + kLaunchLifetime) {
      return fail(ErrorCode::challenge_expired, "the launch's measurement came too late", "measurement");
    }
    SEALIFT_TRY(const auto measured, Measurement::parse(answer));
    SEALIFT_TRY(auto verified,
                VerifiedMeasurement::verify(measured, keys_.tik, firmware_, policy_, expected_));
    return std::make_unique<ProvenLaunch>(hardware_key_hash_, std::move(keys_), std::move(verified),
                                          firmware_.api);
  }

 private:
  TransportKeys keys_;
  Policy policy_;
  crypto::Digest expected_;
  FirmwareVersion firmware_;
  crypto::Digest hardware_key_hash_;
  TimePoint asked_at_;
  Bytes question_;
  bool used_ = false;
};

Status check_version(const FirmwareVersion& shown, const LaunchPolicy& policy) {
  const auto least = std::max(policy.minimum_api, policy.policy.minimum_api());
  const bool old_build = shown.api == policy.minimum_api && shown.build < policy.minimum_build;
  if (shown.api >= least && !old_build) return {};
  return fail(
      ErrorCode::sev_api_too_old,
      fmt::format("the SEV firmware is API {}.{} build {}; {}.{} build {} is the least", shown.api.major,
                  shown.api.minor, shown.build, least.major, least.minor, policy.minimum_build),
      "api");
}

}  // namespace

Result<SecretPacket> ProvenLaunch::release(const std::vector<SecretEntry>& entries) {
  if (released_) return fail(ErrorCode::challenge_used, "this launch got its secret before", "secret");
  SEALIFT_TRY(const auto table, write_secret_table(entries));
  released_ = true;
  return seal_packet(keys_, measurement_.measurement(), table.expose(), api_);
}

Result<std::unique_ptr<tee::Examination>> SevBackend::examine(ByteView evidence, TimePoint now) const {
  if (!policy_.allow_debug) SEALIFT_CHECK(check_keeps_secrets(policy_.policy));
  SEALIFT_TRY(const auto shown, parse_evidence(evidence));
  SEALIFT_CHECK(check_version(shown.firmware, policy_));
  SEALIFT_TRY(const auto platform, VerifiedPlatform::verify(shown.certificates(), policy_.roots));
  SEALIFT_TRY(auto session, make_session(platform, policy_.policy));
  return std::make_unique<SevExamination>(std::move(session), policy_, shown.firmware,
                                          platform.hardware_key_hash(), now);
}

}  // namespace sealift::sev
