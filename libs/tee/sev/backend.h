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
#include "tee/sev/explain.h"
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
  /// To say what differs where another launch was measured.
  std::vector<SuspectDigest> suspects = {};
};

/// A paused guest that is, byte for byte, the expected one, on a genuine chip. Its secret can be injected
/// once.
class ProvenLaunch final : public tee::ProvenTarget {
 public:
  ProvenLaunch(crypto::Digest hardware_key_hash, TransportKeys keys, VerifiedMeasurement measurement,
               ApiVersion api)
      : hardware_key_hash_{hardware_key_hash}, keys_{std::move(keys)}, measurement_{measurement}, api_{api} {}
  crypto::Digest hardware_key_hash() const override { return hardware_key_hash_; }
  /// For sev-inject-launch-secret. challenge_used for a second one: a packet is released once per launch.
  Result<SecretPacket> release(const std::vector<SecretEntry>& entries);
  /// The same with a table as write_secret_table() gives it.
  Result<SecretPacket> release_table(ByteView table);

 private:
  crypto::Digest hardware_key_hash_;
  TransportKeys keys_;
  VerifiedMeasurement measurement_;
  ApiVersion api_;
  bool released_ = false;
};

/// A launch that was asked for: keys that only the PSP of a verified platform knows, and what is expected of
/// it. Its owner may keep it between question and answer, and be another process by then.
class PendingLaunch {
 public:
  /// As SevBackend::examine().
  static Result<PendingLaunch> begin(ByteView evidence, const LaunchPolicy& policy, TimePoint now);
  /// What save() gave, under the policy that it began with; malformed.
  static Result<PendingLaunch> restore(ByteView saved, const LaunchPolicy& policy);
  /// Secret: who has it answers for the PSP.
  SecretBytes save() const;

  /// The document of documents.h; only of one that begin() made.
  ByteView question() const noexcept { return question_; }
  const crypto::Digest& hardware_key_hash() const noexcept { return hardware_key_hash_; }
  /// As Examination::conclude(). launch_measurement_differs names the input of the first of the policy's
  /// suspects that gives the measured value.
  Result<ProvenLaunch> conclude(ByteView answer, TimePoint now) &&;

 private:
  PendingLaunch(TransportKeys keys, const LaunchPolicy& policy, const FirmwareVersion& firmware,
                const crypto::Digest& hardware_key_hash, std::int64_t asked_at)
      : keys_{std::move(keys)},
        policy_{policy},
        firmware_{firmware},
        hardware_key_hash_{hardware_key_hash},
        asked_at_{asked_at} {}
  Error differs(const Measurement& measured) const;

  TransportKeys keys_;
  LaunchPolicy policy_;
  FirmwareVersion firmware_;
  crypto::Digest hardware_key_hash_;
  std::int64_t asked_at_;  ///< milliseconds since 1970
  Bytes question_;
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
