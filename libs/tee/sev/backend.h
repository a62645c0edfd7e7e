// SPDX-License-Identifier: Apache-2.0
/// The `sev` back end: AMD SEV and SEV-ES.
///
/// Here a machine is proven anew for each launch, together with what was launched: the question is a launch
/// session, which only the PSP of the verified PDH can open; the answer is that PSP's measurement, under the
/// session's key.
#pragma once

#include <chrono>

#include "tee/backend.h"
#include "tee/sev/documents.h"
#include "tee/sev/secret_packet.h"
#include "tee/sev/secret_table.h"

namespace sealift::sev {

/// From question to answer: the host copies and measures the firmware in between.
inline constexpr std::chrono::seconds kLaunchLifetime{600};

/// What the owner approves of.
struct LaunchPolicy {
  std::vector<PinnedRoot> roots = amd_roots();
  Policy policy{0};                ///< the guest's
  ApiVersion minimum_api{};        ///< of the SEV firmware
  std::uint8_t minimum_build = 0;  ///< within minimum_api
  crypto::Digest expected{};       ///< launch_digest()
  /// A policy under which the host reads the guest's memory is refused unless somebody says so here.
  bool allow_debug = false;
};

/// A paused guest that is, byte for byte, the expected one, on a genuine chip. Its secret can be injected
/// once.
class ProvenLaunch final : public tee::ProvenTarget {
 public:
  ProvenLaunch(crypto::Digest hardware_key_hash, TransportKeys keys, VerifiedMeasurement measurement,
               ApiVersion api)
      : hardware_key_hash_{hardware_key_hash},
        keys_{std::move(keys)},
        measurement_{std::move(measurement)},
        api_{api} {}
  crypto::Digest hardware_key_hash() const override { return hardware_key_hash_; }
  /// For sev-inject-launch-secret. challenge_used for a second one: a packet is released once per launch.
  Result<SecretPacket> release(const std::vector<SecretEntry>& entries);

 private:
  crypto::Digest hardware_key_hash_;
  TransportKeys keys_;
  VerifiedMeasurement measurement_;
  ApiVersion api_;
  bool released_ = false;
};

/// Evidence and question are the documents of documents.h, the answer is a launch measurement, the target a
/// ProvenLaunch.
///
/// examine(): the codes of parse_evidence(), VerifiedPlatform::verify(), check_keeps_secrets(), and
/// sev_api_too_old at "api" where the firmware is older than the approved one, or than the guest's policy
/// demands. What the host says of its version is believed until then; the measurement covers it. conclude():
/// challenge_used, challenge_expired, launch_measurement_differs at "measurement.hmac", truncated or
/// malformed at "measurement.size".
class SevBackend final : public tee::TeeBackend {
 public:
  explicit SevBackend(LaunchPolicy policy) : policy_{std::move(policy)} {}
  std::string_view name() const noexcept override { return "sev"; }
  Result<std::unique_ptr<tee::Examination>> examine(ByteView evidence, TimePoint now) const override;

 private:
  LaunchPolicy policy_;
};

}  // namespace sealift::sev
