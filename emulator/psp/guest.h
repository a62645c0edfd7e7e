// SPDX-License-Identifier: Apache-2.0
/// An emulated PSP's launch commands for one guest (AMD 55766, chapter 6). What a command touches of the
/// guest's memory it is given, so nothing here knows where that is.
#pragma once

#include <optional>

#include "emulator/psp/platform.h"
#include "tee/sev/measurement.h"

namespace sealift::emulator {

enum class GuestState : std::uint8_t { lupdate, lsecret, running };
/// As query-sev says it: "launch-secret".
std::string_view text(GuestState state) noexcept;

inline constexpr std::size_t kReportSize = 208;
inline constexpr std::size_t kReportNonceSize = 16;

class Guest {
 public:
  /// LAUNCH_START. invalid_length, invalid_certificate for blob and GODH; policy_failure for a policy with
  /// reserved bits or one that wants newer firmware; bad_measurement where WRAP_MAC or POLICY_MAC does not
  /// hold. The platform outlives the guest.
  static PspAnswer<Guest> start(const Platform& platform, sev::Policy policy, ByteView godh,
                                ByteView session);

  /// LAUNCH_UPDATE_DATA: sixteens of bytes.
  [[nodiscard]] PspStatus update_data(ByteView bytes);
  /// LAUNCH_UPDATE_VMSA: one vCPU's page, for a policy with ES.
  [[nodiscard]] PspStatus update_vmsa(ByteView page);
  /// LAUNCH_MEASURE: from here on the guest takes its secret.
  [[nodiscard]] PspAnswer<sev::Measurement> measure();
  /// LAUNCH_SECRET into `memory`, which is as long as the packet. Nothing is written before the MAC holds.
  [[nodiscard]] PspStatus secret(ByteView header, ByteView payload, std::span<std::uint8_t> memory) const;
  /// LAUNCH_FINISH.
  [[nodiscard]] PspStatus finish();
  /// ATTESTATION: nonce, launch digest, policy, signed by the PEK.
  [[nodiscard]] PspAnswer<Bytes> attest(ByteView nonce) const;
  /// DECOMMISSION: its keys are gone.
  [[nodiscard]] PspStatus decommission();

  std::uint32_t handle() const noexcept { return handle_; }
  sev::Policy policy() const noexcept { return policy_; }
  GuestState state() const noexcept { return state_; }

 private:
  Guest(const Platform& platform, sev::Policy policy, sev::TransportKeys keys);
  /// Invalid_guest after a decommission or the platform's shutdown.
  PspStatus require(bool state_allows) const;

  const Platform* platform_;
  Platform::Token token_;
  std::uint32_t handle_;
  sev::Policy policy_;
  std::optional<sev::TransportKeys> keys_;
  GuestState state_ = GuestState::lupdate;
  crypto::Hasher hasher_{crypto::HashAlgorithm::sha256};
  crypto::Digest digest_;
  std::optional<sev::Measurement> measurement_;
};

}  // namespace sealift::emulator
