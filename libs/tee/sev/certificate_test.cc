// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/certificate.h"

#include "base/matchers.h"
#include "tee/sev/platform_for_test.h"

namespace sealift::sev {
namespace {

Bytes sample() { return to_bytes(PlatformForTest::make().pek.bytes()); }

Bytes with_le32(Bytes bytes, std::size_t offset, std::uint32_t value) {
  const auto field = ByteWriter{}.le32(value).view();
  std::ranges::copy(field, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  return bytes;
}

TEST(SevCertificate, SaysWhatItsBytesSay) {
  const auto platform = PlatformForTest::make();
  const auto pek = Certificate::parse(platform.pek.bytes(), "pek").value();
  EXPECT_EQ(pek.usage(), Usage::pek);
  EXPECT_EQ(pek.algorithm(), Algorithm::ecdsa_sha256);
  EXPECT_EQ(pek.api(), (ApiVersion{0, 24}));
  EXPECT_EQ(pek.key(), platform.pek_key.public_key());
  EXPECT_TRUE(pek.names_signer(Usage::cek));
  EXPECT_FALSE(pek.names_signer(Usage::ask));
}

TEST(SevCertificate, PutsEachNumberWhereAmdHasIt) {
  const auto key = crypto::PrivateKey::generate_ec(crypto::Curve::p384)->public_key();
  const auto certificate = Certificate::make(Usage::pdh, Algorithm::ecdh_sha256, {1, 55}, key);
  const auto bytes = certificate.bytes();
  EXPECT_EQ(to_hex(bytes.first(20)),
            "010000000137000003100000"
            "0300000002000000");
  const auto x = key.ec()->x;
  EXPECT_EQ(to_bytes(bytes.subspan(20, 48)), Bytes(x.rbegin(), x.rend()));
  EXPECT_EQ(to_hex(bytes.subspan(0x414, 8)), "0010000000000000");
  EXPECT_EQ(to_hex(bytes.subspan(0x61C, 8)), "0010000000000000");
}

TEST(SevCertificate, HoldsKeysOfEveryKind) {
  for (const auto bits : {2048, 4096}) {
    const auto key = crypto::PrivateKey::generate_rsa(bits)->public_key();
    const auto made = Certificate::make(Usage::oca, Algorithm::rsa_sha256, {}, key);
    EXPECT_EQ(Certificate::parse(made.bytes(), "oca")->key(), key);
  }
  const auto key = crypto::PrivateKey::generate_ec(crypto::Curve::p256)->public_key();
  const auto made = Certificate::make(Usage::oca, Algorithm::ecdsa_sha256, {}, key);
  EXPECT_EQ(Certificate::parse(made.bytes(), "oca")->key(), key);
}

TEST(SevCertificate, IsRefusedWhereverItEnds) {
  const auto whole = sample();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(Certificate::parse(ByteView{whole}.first(size), "pek"),
                FailsAt(ErrorCode::truncated, "pek.size"));
  }
}

TEST(SevCertificate, IsRefusedWithWhatDoesNotBelong) {
  auto longer = sample();
  longer.push_back(0);
  EXPECT_THAT(Certificate::parse(longer, "pek"), FailsAt(ErrorCode::sev_certificate_malformed, "pek.size"));
  EXPECT_THAT(Certificate::parse(with_le32(sample(), 0, 2), "pek"),
              FailsAt(ErrorCode::sev_certificate_malformed, "pek.version"));
  EXPECT_THAT(Certificate::parse(with_le32(sample(), 8, 0x1005), "pek"),
              FailsAt(ErrorCode::unsupported, "pek.usage"));
  EXPECT_THAT(Certificate::parse(with_le32(sample(), 12, 4), "pek"),
              FailsAt(ErrorCode::unsupported, "pek.algorithm"));
  EXPECT_THAT(Certificate::parse(with_le32(sample(), 16, 3), "pek"),
              FailsAt(ErrorCode::unsupported, "pek.key"));
  EXPECT_THAT(Certificate::parse(with_le32(sample(), 20, 1), "pek"),
              FailsAt(ErrorCode::sev_certificate_malformed, "pek.key"));
  EXPECT_THAT(Certificate::parse(with_le32(sample(), 20 + 48, 1), "pek"),
              FailsAt(ErrorCode::sev_certificate_malformed, "pek.key"));
}

TEST(SevCertificate, IsRefusedWithAnRsaKeyOfAnotherSizeThanItSays) {
  const auto key = crypto::PrivateKey::generate_rsa(2048)->public_key();
  const auto made = to_bytes(Certificate::make(Usage::oca, Algorithm::rsa_sha256, {}, key).bytes());
  EXPECT_THAT(Certificate::parse(with_le32(made, 16, 4096), "oca"),
              FailsAt(ErrorCode::sev_certificate_malformed, "oca.key"));
  EXPECT_THAT(Certificate::parse(with_le32(made, 16, 1024), "oca"),
              FailsAt(ErrorCode::unsupported, "oca.key"));
}

TEST(SevCertificate, IsSignedInEitherSlot) {
  const auto platform = PlatformForTest::make();
  const auto unsigned_pek =
      Certificate::make(Usage::pek, Algorithm::ecdsa_sha256, {}, platform.pek_key.public_key());
  for (const std::size_t slot : {0U, 1U}) {
    const auto made = unsigned_pek.signed_by(slot, Usage::oca, platform.oca_key)
                          ->signed_by(1 - slot, Usage::cek, platform.cek_key)
                          .value();
    EXPECT_THAT(made.verify_signature(Usage::oca, platform.oca_key.public_key(), "pek"), Succeeds());
    EXPECT_THAT(made.verify_signature(Usage::cek, platform.cek_key.public_key(), "pek"), Succeeds());
  }
}

TEST(SevCertificate, CountsASignatureForItsSignerAlone) {
  const auto platform = PlatformForTest::make();
  EXPECT_THAT(platform.pek.verify_signature(Usage::cek, platform.oca_key.public_key(), "pek"),
              FailsAt(ErrorCode::certificate_signature_invalid, "pek.signature"));
  EXPECT_THAT(platform.pek.verify_signature(Usage::ask, platform.oca_key.public_key(), "pek"),
              FailsAt(ErrorCode::certificate_signature_invalid, "pek.signature"));
}

TEST(SevCertificate, RefusesSignaturesOfUnknownAlgorithms) {
  const auto platform = PlatformForTest::make();
  for (const std::uint32_t algorithm : {0U, 3U, 4U, 0x103U, 0x201U}) {
    const auto altered = with_le32(to_bytes(platform.oca.bytes()), 0x418, algorithm);
    EXPECT_THAT(Certificate::parse(altered, "oca")
                    ->verify_signature(Usage::oca, platform.oca_key.public_key(), "oca"),
                FailsAt(ErrorCode::unsupported, "oca.signature"));
  }
  const auto rsa = with_le32(to_bytes(platform.oca.bytes()), 0x418, 1);
  EXPECT_THAT(
      Certificate::parse(rsa, "oca")->verify_signature(Usage::oca, platform.oca_key.public_key(), "oca"),
      FailsAt(ErrorCode::unsupported, "oca.signature"));
}

TEST(SevCertificate, IsNotSignedAnyMoreOnceASignedBitFlips) {
  const auto platform = PlatformForTest::make();
  for (std::size_t byte = 4; byte < 8; ++byte) {
    auto altered = to_bytes(platform.oca.bytes());
    altered[byte] ^= 1;
    EXPECT_THAT(Certificate::parse(altered, "oca")
                    ->verify_signature(Usage::oca, platform.oca_key.public_key(), "oca"),
                FailsAt(ErrorCode::certificate_signature_invalid, "oca.signature"));
  }
}

}  // namespace
}  // namespace sealift::sev
