// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/measurement.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>

#include "tee/sev/numbers.h"

namespace sealift::sev {

Result<Measurement> Measurement::parse(ByteView bytes) {
  if (bytes.size() != kMeasurementSize) {
    return fail(bytes.size() < kMeasurementSize ? ErrorCode::truncated : ErrorCode::malformed,
                fmt::format("a launch measurement has {} bytes, not {}", kMeasurementSize, bytes.size()),
                "measurement.size");
  }
  Measurement out{};
  std::ranges::copy(bytes.first(out.hmac.size()), out.hmac.begin());
  std::ranges::copy(bytes.subspan(out.hmac.size()), out.nonce.begin());
  return out;
}

std::array<std::uint8_t, kMeasurementSize> Measurement::bytes() const {
  std::array<std::uint8_t, kMeasurementSize> out{};
  std::ranges::copy(nonce, std::ranges::copy(hmac, out.begin()).out);
  return out;
}

Measurement measure(const TransportKey& tik, const FirmwareVersion& firmware, Policy policy,
                    const crypto::Digest& digest, const std::array<std::uint8_t, kMeasureNonceSize>& nonce) {
  assert(digest.size() == 32);
  constexpr std::uint8_t kContext = 0x04;
  const std::array<std::uint8_t, 4> version{kContext, firmware.api.major, firmware.api.minor, firmware.build};
  std::array<std::uint8_t, 4 + 4 + 32 + kMeasureNonceSize> message{};  // in one piece: that is hashed faster
  auto end = std::ranges::copy(version, message.begin()).out;
  end = std::ranges::copy(le32_bytes(policy.value()), end).out;
  end = std::ranges::copy(digest.view(), end).out;
  std::ranges::copy(nonce, end);
  const auto said = ByteView{message}.subspan(firmware.api < kContextApi ? version.size() : 0);
  const auto mac = crypto::hmac(crypto::HashAlgorithm::sha256, tik.expose(), {said});
  Measurement out{{}, nonce};
  std::ranges::copy(mac.view(), out.hmac.begin());
  return out;
}

Result<VerifiedMeasurement> VerifiedMeasurement::verify(const Measurement& measured, const TransportKey& tik,
                                                        const FirmwareVersion& firmware, Policy policy,
                                                        const crypto::Digest& expected) {
  const auto computed = measure(tik, firmware, policy, expected, measured.nonce);
  if (constant_time_equal(measured.hmac, computed.hmac)) return VerifiedMeasurement{measured};
  return fail(
      ErrorCode::launch_measurement_differs,
      "the launch measurement is not that of the expected firmware, kernel, vCPUs, policy and version",
      "measurement.hmac");
}

}  // namespace sealift::sev
