// SPDX-License-Identifier: Apache-2.0
#include "tee/platform_certificate.h"

#include "base/matchers.h"
#include "tee/attribute_certificate.h"
#include "tee/host_for_test.h"

namespace sealift::tee {
namespace {

using test_pki::pki;

GENERAL_NAMES* names_of(const X509_NAME* name) {
  GENERAL_NAMES* const names = GENERAL_NAMES_new();
  GENERAL_NAME* const entry = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(entry, GEN_DIRNAME, X509_NAME_dup(name));
  sk_GENERAL_NAME_push(names, entry);
  return names;
}

struct Wish {
  const crypto::Certificate* holder = &host().ek_certificate;
  const crypto::CertificateAuthority* issuer = &pki().intermediate;
  const char* not_before = "20260101000000Z";
  const char* not_after = "20361231000000Z";
  const EVP_MD* hash = EVP_sha256();
  const char* critical = nullptr;  ///< OID of a critical extension
};

/// What a machine's maker issues.
Bytes issue(const Wish& wish) {
  const AttributeCertificatePtr certificate{
      reinterpret_cast<AttributeCertificate*>(ASN1_item_new(attribute_certificate_item()))};
  auto& info = *certificate->info;
  ASN1_INTEGER_set(info.version, 1);
  ASN1_INTEGER_set(info.serial, 4711);
  auto* const base = reinterpret_cast<IssuerSerial*>(ASN1_item_new(issuer_serial_item()));
  GENERAL_NAMES_free(base->issuer);
  base->issuer = names_of(X509_get_issuer_name(wish.holder->get()));
  ASN1_STRING_copy(base->serial, X509_get0_serialNumber(wish.holder->get()));
  info.holder->base_certificate = base;
  GENERAL_NAMES_free(info.issuer->name);
  info.issuer->name = names_of(X509_get_subject_name(wish.issuer->certificate().get()));
  ASN1_GENERALIZEDTIME_set_string(info.validity->not_before, wish.not_before);
  ASN1_GENERALIZEDTIME_set_string(info.validity->not_after, wish.not_after);
  if (wish.critical != nullptr) {
    info.extensions = sk_X509_EXTENSION_new_null();
    sk_X509_EXTENSION_push(info.extensions,
                           X509V3_EXT_nconf(nullptr, nullptr, wish.critical, "critical,DER:0500"));
  }
  ASN1_item_sign(attribute_info_item(), info.signature_algorithm, certificate->signature_algorithm,
                 certificate->signature, &info, wish.issuer->key().get(), wish.hash);
  unsigned char* der = nullptr;
  const int size =
      ASN1_item_i2d(reinterpret_cast<ASN1_VALUE*>(certificate.get()), &der, attribute_certificate_item());
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
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
  EXPECT_THAT(verify(issue({.not_after = "20260301000000Z"})), FailsWith(ErrorCode::certificate_expired));
  EXPECT_THAT(verify(issue({.not_before = "20270301000000Z"})),
              FailsWith(ErrorCode::certificate_not_yet_valid));
  EXPECT_THAT(verify(issue({.hash = EVP_sha1()})), FailsWith(ErrorCode::certificate_algorithm_refused));
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
