// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/backend.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

namespace sealift::sev {
namespace {

// TEK, TIK, version, hardware key hash, time.
constexpr std::size_t kSavedSize = 2 * kTransportKeySize + 3 + 32 + 8;

class SevExamination final : public tee::Examination {
 public:
  explicit SevExamination(PendingLaunch launch)
      : question_{to_bytes(launch.question())}, launch_{std::move(launch)} {}

  ByteView question() const override { return question_; }
  Result<std::unique_ptr<tee::ProvenTarget>> conclude(ByteView answer, TimePoint now) override {
    if (!launch_) return fail(ErrorCode::challenge_used, "this launch was answered before", "measurement");
    auto launch = std::move(*launch_);
    launch_.reset();
    SEALIFT_TRY(auto proven, std::move(launch).conclude(answer, now));
    return std::make_unique<ProvenLaunch>(std::move(proven));
  }

 private:
  Bytes question_;
  std::optional<PendingLaunch> launch_;
};

std::int64_t milliseconds_of(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

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
  SEALIFT_TRY(const auto table, write_secret_table(entries));
  return release_table(table.expose());
}

Result<SecretPacket> ProvenLaunch::release_table(ByteView table) {
  if (std::exchange(released_, true))
    return fail(ErrorCode::challenge_used, "this launch got its secret before", "secret");
  return seal_packet(keys_, measurement_.measurement(), table, api_);
}

Result<PendingLaunch> PendingLaunch::begin(ByteView evidence, const LaunchPolicy& policy, TimePoint now) {
  if (!policy.allow_debug) SEALIFT_CHECK(check_keeps_secrets(policy.policy));
  SEALIFT_TRY(const auto shown, parse_evidence(evidence));
  SEALIFT_CHECK(check_version(shown.firmware, policy));
  SEALIFT_TRY(const auto platform, VerifiedPlatform::verify(shown.certificates(), policy.roots));
  SEALIFT_TRY(auto session, make_session(platform, policy.policy));
  PendingLaunch launch{std::move(session.keys), policy, shown.firmware, platform.hardware_key_hash(),
                       milliseconds_of(now)};
  const auto text =
      to_json(LaunchRequest{policy.policy, to_bytes(session.godh.bytes()), to_bytes(session.blob)});
  launch.question_ = to_bytes(as_bytes(text));
  return launch;
}

SecretBytes PendingLaunch::save() const {
  SecretBytes saved{kSavedSize};
  auto rest = saved.expose_for_writing();
  const auto put = [&rest](ByteView bytes) {
    std::ranges::copy(bytes, rest.begin());
    rest = rest.subspan(bytes.size());
  };
  put(keys_.tek.expose());
  put(keys_.tik.expose());
  const std::array version{firmware_.api.major, firmware_.api.minor, firmware_.build};
  put(version);
  put(hardware_key_hash_.view());
  put(ByteWriter{}.be64(static_cast<std::uint64_t>(asked_at_)).view());
  return saved;
}

Result<PendingLaunch> PendingLaunch::restore(ByteView saved, const LaunchPolicy& policy) {
  if (saved.size() != kSavedSize) return fail(ErrorCode::malformed, "no launch that was asked for", "launch");
  ByteReader reader{saved};
  const auto key = [&reader]() -> Result<TransportKey> {
    SEALIFT_TRY(const auto bytes, reader.take(kTransportKeySize));
    std::array<std::uint8_t, kTransportKeySize> copy{};
    std::ranges::copy(bytes, copy.begin());
    return TransportKey{copy};
  };
  SEALIFT_TRY(auto tek, key());
  SEALIFT_TRY(auto tik, key());
  SEALIFT_TRY(const auto version, reader.take(3));
  SEALIFT_TRY(const auto hash, reader.take(32));
  SEALIFT_TRY(const auto asked_at, reader.be64());
  return PendingLaunch{{std::move(tek), std::move(tik)},
                       policy,
                       {{version[0], version[1]}, version[2]},
                       crypto::Digest{hash},
                       static_cast<std::int64_t>(asked_at)};
}

Error PendingLaunch::differs(const Measurement& measured) const {
  for (const auto& suspect : policy_.suspects) {
    if (!VerifiedMeasurement::verify(measured, keys_.tik, firmware_, policy_.policy, suspect.digest))
      continue;
    const auto& [input, what] = suspect.difference;
    return {ErrorCode::launch_measurement_differs,
            fmt::format("another launch was measured than the expected one: {}: {}", input, what),
            input,
            {}};
  }
  return {
      ErrorCode::launch_measurement_differs,
      fmt::format("another launch was measured than the expected one, and none of {} usual suspects is it: "
                  "another firmware, kernel, initramfs or command line",
                  policy_.suspects.size()),
      "measurement.hmac",
      {}};
}

Result<ProvenLaunch> PendingLaunch::conclude(ByteView answer, TimePoint now) && {
  const auto waited = std::chrono::milliseconds{milliseconds_of(now) - asked_at_};
  if (waited.count() < 0 || waited >= kLaunchLifetime)
    return fail(ErrorCode::challenge_expired, "the launch's measurement came too late", "measurement");
  SEALIFT_TRY(const auto measured, Measurement::parse(answer));
  auto verified =
      VerifiedMeasurement::verify(measured, keys_.tik, firmware_, policy_.policy, policy_.expected);
  if (!verified) return tl::unexpected(differs(measured));
  return ProvenLaunch{hardware_key_hash_, std::move(keys_), std::move(*verified), firmware_.api};
}

Result<std::unique_ptr<tee::Examination>> SevBackend::examine(ByteView evidence, TimePoint now) const {
  SEALIFT_TRY(auto launch, PendingLaunch::begin(evidence, policy_, now));
  return std::make_unique<SevExamination>(std::move(launch));
}

}  // namespace sealift::sev
