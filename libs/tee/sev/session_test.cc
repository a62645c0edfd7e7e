// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/session.h"

#include "base/matchers.h"
#include "tee/sev/measurement.h"
#include "tee/sev/platform_for_test.h"

namespace sealift::sev {
namespace {

constexpr Policy kPolicy{0x7};

Result<VerifiedPlatform> verified(const PlatformForTest& platform) {
  return VerifiedPlatform::verify(platform.certificates(), std::vector{platform.root->pin()});
}

// Computed with python's hmac from the formula of 55766, 2.2.2.
TEST(KeyDerivation, GivesTheKnownValue) {
  const auto key = derive_key(Bytes(16), "sev-master-secret", Bytes(16));
  EXPECT_EQ(to_hex(key.expose()), "ab4d269fcc62bedb4511d56c386ce706");
}

TEST(LaunchSessions, GiveThePspTheOwnersKeys) {
  const auto platform = PlatformForTest::make();
  const auto session = make_session(*verified(platform), kPolicy).value();
  const auto opened = open_session(platform.pdh_key, session.godh, session.blob, kPolicy);
  ASSERT_THAT(opened, Succeeds());
  EXPECT_TRUE(opened->tek.equals(session.keys.tek.expose()));
  EXPECT_TRUE(opened->tik.equals(session.keys.tik.expose()));
}

TEST(LaunchSessions, AreNeverTwiceTheSame) {
  const auto platform = PlatformForTest::make();
  const auto a = make_session_unverified(platform.pdh, kPolicy).value();
  const auto b = make_session_unverified(platform.pdh, kPolicy).value();
  EXPECT_FALSE(a.keys.tek.equals(b.keys.tek.expose()));
  EXPECT_FALSE(a.keys.tik.equals(b.keys.tik.expose()));
  EXPECT_NE(a.blob, b.blob);
  EXPECT_NE(to_bytes(a.godh.bytes()), to_bytes(b.godh.bytes()));
  EXPECT_FALSE(a.keys.tek.equals(a.keys.tik.expose()));
}

TEST(LaunchSessions, OpenOnTheirMachineAlone) {
  const auto platform = PlatformForTest::make();
  const auto other = PlatformForTest::make();
  const auto session = make_session_unverified(platform.pdh, kPolicy).value();
  EXPECT_THAT(open_session(other.pdh_key, session.godh, session.blob, kPolicy),
              FailsAt(ErrorCode::authentication_failed, "session.wrap_mac"));
}

TEST(LaunchSessions, OpenUnderTheirPolicyAlone) {
  const auto platform = PlatformForTest::make();
  const auto session = make_session_unverified(platform.pdh, kPolicy).value();
  for (unsigned bit = 0; bit < 32; ++bit) {
    EXPECT_THAT(
        open_session(platform.pdh_key, session.godh, session.blob, Policy{kPolicy.value() ^ 1U << bit}),
        FailsAt(ErrorCode::authentication_failed, "session.policy_mac"))
        << bit;
  }
}

TEST(LaunchSessions, AreRefusedWithAnyByteAltered) {
  const auto platform = PlatformForTest::make();
  auto session = make_session_unverified(platform.pdh, kPolicy).value();
  for (auto& byte : session.blob) {
    byte ^= 0x20;
    EXPECT_THAT(open_session(platform.pdh_key, session.godh, session.blob, kPolicy),
                FailsWith(ErrorCode::authentication_failed));
    byte ^= 0x20;
  }
}

TEST(LaunchSessions, AreRefusedInAnotherSize) {
  const auto platform = PlatformForTest::make();
  const auto session = make_session_unverified(platform.pdh, kPolicy).value();
  for (std::size_t size = 0; size < kSessionSize; ++size) {
    EXPECT_THAT(open_session(platform.pdh_key, session.godh, ByteView{session.blob}.first(size), kPolicy),
                FailsAt(ErrorCode::truncated, "session.size"));
  }
  EXPECT_THAT(open_session(platform.pdh_key, session.godh, Bytes(kSessionSize + 1), kPolicy),
              FailsAt(ErrorCode::malformed, "session.size"));
}

TEST(LaunchSessions, AreForP384Alone) {
  const auto key = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value();
  const auto pdh = Certificate::make(Usage::pdh, Algorithm::ecdh_sha256, {}, key.public_key());
  EXPECT_THAT(make_session_unverified(pdh, kPolicy), FailsAt(ErrorCode::key_unsupported, "pdh.key"));
}

TEST(Policies, SayWhatTheyMean) {
  const Policy policy{0x18000005};
  EXPECT_EQ(policy.text(), "NODBG|ES, API 0.24 or later");
  EXPECT_EQ(policy.minimum_api(), (ApiVersion{0, 24}));
  EXPECT_EQ(Policy{0}.text(), "no restriction");
  EXPECT_EQ(Policy{0x38}.text(), "NOSEND|DOMAIN|SEV");
}

TEST(Policies, ThatLetTheHostReadTheGuestAreRefused) {
  EXPECT_THAT(check_keeps_secrets(Policy{0x3}), Succeeds());
  EXPECT_THAT(check_keeps_secrets(Policy{0x2}), FailsAt(ErrorCode::sev_policy_refused, "policy.NODBG"));
  EXPECT_THAT(check_keeps_secrets(Policy{0x1}), FailsAt(ErrorCode::sev_policy_refused, "policy.NOKS"));
}

TransportKey tik() {
  Bytes bytes(16, 0x11);
  return TransportKey{std::span<std::uint8_t>{bytes}.first<16>()};
}
const crypto::Digest kDigest{Bytes(32, 0x22)};
constexpr FirmwareVersion kFirmware{{0, 24}, 13};

// python3: hmac.new(b'\x11'*16, bytes([4,0,24,13]) + pack('<L',7) + b'\x22'*32 + b'\x33'*16, 'sha256')
TEST(Measurements, AreTheKnownValue) {
  std::array<std::uint8_t, 16> nonce{};
  nonce.fill(0x33);
  const auto measured = measure(tik(), kFirmware, kPolicy, kDigest, nonce);
  EXPECT_EQ(to_hex(measured.hmac), "d8a8ba6b904e0d4a68e9343a919791ab1cf20ddfc525d118d287cb5fc74d0df6");
  EXPECT_EQ(to_hex(measure(tik(), {{0, 16}, 13}, kPolicy, kDigest, nonce).hmac),
            "ef65123226b94eac686d3aea4079bac79bedfd3bbce845f3288f9ceef483909a");
}

TEST(Measurements, HoldForExactlyOneLaunch) {
  const auto measured = measure(tik(), kFirmware, kPolicy, kDigest, {});
  const auto verify = [&](const FirmwareVersion& firmware, Policy policy, const crypto::Digest& digest) {
    return VerifiedMeasurement::verify(measured, tik(), firmware, policy, digest);
  };
  EXPECT_THAT(verify(kFirmware, kPolicy, kDigest), Succeeds());
  const auto differs = FailsAt(ErrorCode::launch_measurement_differs, "measurement.hmac");
  EXPECT_THAT(verify({{0, 24}, 12}, kPolicy, kDigest), differs);
  EXPECT_THAT(verify({{0, 23}, 13}, kPolicy, kDigest), differs);
  EXPECT_THAT(verify({{1, 24}, 13}, kPolicy, kDigest), differs);
  EXPECT_THAT(verify(kFirmware, Policy{6}, kDigest), differs);
  EXPECT_THAT(verify(kFirmware, kPolicy, crypto::Digest{Bytes(32, 0x23)}), differs);
}

TEST(Measurements, AreReadFrom48BytesAndNoOther) {
  const auto bytes = measure(tik(), kFirmware, kPolicy, kDigest, {1, 2}).bytes();
  EXPECT_EQ(Measurement::parse(bytes)->bytes(), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(Measurement::parse(ByteView{bytes}.first(size)),
                FailsAt(ErrorCode::truncated, "measurement.size"));
  }
  EXPECT_THAT(Measurement::parse(Bytes(49)), FailsAt(ErrorCode::malformed, "measurement.size"));
}

}  // namespace
}  // namespace sealift::sev
