// SPDX-License-Identifier: Apache-2.0
/// The PSP's word for what was launched (AMD 55766, 6.5 LAUNCH_MEASURE).
///
///   HMAC-SHA256(TIK, 0x04 | API major | API minor | build | policy u32 LE | LD[32] | MNONCE[16])[32] |
///   MNONCE[16]
///
/// Firmware of an API below 0.17 leaves out the first four bytes.
#pragma once

#include <array>

#include "tee/sev/session.h"

namespace sealift::sev {

inline constexpr std::size_t kMeasurementSize = 48;
inline constexpr std::size_t kMeasureNonceSize = 16;
/// From here on measurement and packets say more (55766, revision history).
inline constexpr ApiVersion kContextApi{0, 17};

struct FirmwareVersion {
  ApiVersion api;
  std::uint8_t build = 0;
};

struct Measurement {
  std::array<std::uint8_t, 32> hmac;
  std::array<std::uint8_t, kMeasureNonceSize> nonce;

  /// truncated or malformed at "measurement.size" unless there are 48 bytes.
  static Result<Measurement> parse(ByteView bytes);
  std::array<std::uint8_t, kMeasurementSize> bytes() const;
};

/// `digest` is the launch digest: 32 bytes.
Measurement measure(const TransportKey& tik, const FirmwareVersion& firmware, Policy policy,
                    const crypto::Digest& digest, const std::array<std::uint8_t, kMeasureNonceSize>& nonce);

/// A launch that is, byte for byte, the expected one, on the PSP that the session is for. Only verify() makes
/// one.
class VerifiedMeasurement {
 public:
  /// launch_measurement_differs at "measurement.hmac".
  static Result<VerifiedMeasurement> verify(const Measurement& measured, const TransportKey& tik,
                                            const FirmwareVersion& firmware, Policy policy,
                                            const crypto::Digest& expected);
  const Measurement& measurement() const noexcept { return measurement_; }

 private:
  explicit VerifiedMeasurement(const Measurement& measurement) : measurement_{measurement} {}
  Measurement measurement_;
};

}  // namespace sealift::sev
