// SPDX-License-Identifier: Apache-2.0
#include "tee/platform_certificate.h"

#include "base/matchers.h"
#include "tee/host_for_test.h"

namespace sealift::tee {
namespace {

using test_pki::pki;

struct Wish {
  const crypto::Certificate* holder = &host().ek_certificate;
  const crypto::CertificateAuthority* issuer = &pki().intermediate;
  crypto::Validity validity = test_pki::kCurrent;
  const char* hash = "SHA256";
  const char* critical = nullptr;  ///< OID of a critical extension
};

/// What a machine's maker issues.
Bytes issue(const Wish& wish) {
  auto draft = crypto::CertificateAuthority::platform_draft({.validity = wish.validity}).value();
  draft.hash = wish.hash;
  if (wish.critical != nullptr) draft.extensions.emplace_back(wish.critical, "critical,DER:0500");
  return wish.issuer->sign(draft, *wish.holder).value();
}

/// The other form: a certificate for the EK's key.
crypto::Certificate issue_for_key(const crypto::PublicKey& key, const char* usage = "2.23.133.8.2",
                                  crypto::Validity validity = test_pki::kCurrent) {
  auto draft = test_pki::ek_draft(key, validity);
  test_pki::set_extension(draft, "extendedKeyUsage", usage);
  return test_pki::issue(draft);
}

Status verify(ByteView der, const TrustedRoots& roots = HostForTest::roots()) {
  return verify_platform_certificate(der, host().ek_certificate, roots, test_pki::now());
}

TEST(PlatformCertificate, IsTakenForItsTpm) {
  EXPECT_THAT(verify(issue({})), Succeeds());
  auto evidence = host().platform();
  evidence.platform_certificate = issue({});
  const auto platform = VerifiedPlatform::verify(evidence, HostForTest::roots(), test_pki::now());
  ASSERT_THAT(platform, Succeeds());
  EXPECT_TRUE(platform->has_platform_certificate());
  EXPECT_EQ(platform_certificate_issuer(issue({}), host().ek_certificate).value(),
            pki().intermediate.certificate().subject());
}

TEST(PlatformCertificate, IsTakenFromAnIssuerWhomOnlyTheHostShows) {
  auto trust = pki().trust();
  trust.intermediates.clear();
  const auto roots = TrustedRoots::create(trust).value();
  EXPECT_THAT(verify(issue({}), roots), FailsAt(ErrorCode::issuer_missing, "platform_certificate"));
  auto evidence = host().platform();
  evidence.ek_certificates.push_back(pki().intermediate.certificate().der());
  evidence.platform_certificate = issue({});
  EXPECT_THAT(VerifiedPlatform::verify(evidence, roots, test_pki::now()), Succeeds());
}

TEST(PlatformCertificate, IsTakenAsACertificateForTheEk) {
  const auto key = host().ek.public_key();
  for (const auto* usage : {"2.23.133.8.2", "2.23.133.8.4"}) {
    EXPECT_THAT(verify(issue_for_key(key, usage).der()), Succeeds()) << usage;
  }
  EXPECT_EQ(platform_certificate_issuer(issue_for_key(key).der(), host().ek_certificate).value(),
            pki().intermediate.certificate().subject());
}

TEST(PlatformCertificate, IsRefusedAsACertificateForEachFault) {
  const auto key = host().ek.public_key();
  EXPECT_THAT(verify(issue_for_key(pki().ek.public_key()).der()),
              FailsAt(ErrorCode::platform_certificate_differs, "platform_certificate"));
  EXPECT_THAT(verify(host().ek_certificate.der()),
              FailsAt(ErrorCode::certificate_usage_refused, "platform_certificate"));
  EXPECT_THAT(verify(issue_for_key(key, "2.23.133.8.2", test_pki::kPast).der()),
              FailsAt(ErrorCode::certificate_expired, "platform_certificate.chain[0]"));
  auto altered = issue_for_key(key).der();
  altered.back() ^= 1U;
  EXPECT_THAT(verify(altered),
              FailsAt(ErrorCode::certificate_signature_invalid, "platform_certificate.chain[0]"));
  EXPECT_THAT(verify(as_bytes(issue_for_key(key).pem())),
              FailsWith(ErrorCode::platform_certificate_malformed));
}

TEST(PlatformCertificate, IsNeverIgnored) {
  auto evidence = host().platform();
  evidence.platform_certificate = Bytes{0};
  EXPECT_THAT(VerifiedPlatform::verify(evidence, HostForTest::roots(), test_pki::now()),
              FailsAt(ErrorCode::platform_certificate_malformed, "platform_certificate"));
}

TEST(PlatformCertificate, IsRefusedForAnotherTpm) {
  EXPECT_THAT(verify(issue({.holder = &pki().ek_certificate})),
              FailsWith(ErrorCode::platform_certificate_differs));
}

TEST(PlatformCertificate, IsRefusedForEachFault) {
  EXPECT_THAT(verify(issue({.validity = test_pki::kPast})), FailsWith(ErrorCode::certificate_expired));
  EXPECT_THAT(verify(issue({.validity = test_pki::kFuture})),
              FailsWith(ErrorCode::certificate_not_yet_valid));
  EXPECT_THAT(verify(issue({.hash = "SHA1"})), FailsWith(ErrorCode::certificate_algorithm_refused));
  EXPECT_THAT(verify(issue({.critical = "1.3.6.1.4.1.55555.1"})),
              FailsWith(ErrorCode::certificate_usage_refused));
  const auto stranger =
      crypto::CertificateAuthority::create_root(test_pki::ec_key(), "Stranger", test_pki::kCurrent).value();
  EXPECT_THAT(verify(issue({.issuer = &stranger})), FailsWith(ErrorCode::issuer_missing));
  const auto impostor = crypto::CertificateAuthority::create_root(
                            test_pki::ec_key(), "Test TPM Intermediate CA", test_pki::kCurrent)
                            .value();
  EXPECT_THAT(verify(issue({.issuer = &impostor})), FailsWith(ErrorCode::certificate_signature_invalid));
}

TEST(PlatformCertificate, IsRefusedWithoutItsIssuersList) {
  auto trust = pki().trust();
  trust.roots = {pki().intermediate.certificate()};
  trust.crls.clear();
  EXPECT_THAT(verify(issue({}), TrustedRoots::create(trust).value()), FailsWith(ErrorCode::crl_missing));
}

TEST(PlatformCertificate, NoticesEveryFlippedBitAndTruncation) {
  const auto good = issue({});
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto der = good;
    der[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(verify(der)) << bit;
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_THAT(verify(ByteView{good}.first(size)), FailsWith(ErrorCode::platform_certificate_malformed))
        << size;
  }
  auto longer = good;
  longer.push_back(0);
  EXPECT_THAT(verify(longer), FailsWith(ErrorCode::platform_certificate_malformed));
}

}  // namespace
}  // namespace sealift::tee
