// SPDX-License-Identifier: Apache-2.0
#include "tee/platform.h"

#include "base/matchers.h"
#include "tee/host_for_test.h"

namespace sealift::tee {
namespace {

using test_pki::pki;

/// The gallery's certificates are for pki().ek.
PlatformEvidence evidence_with(Bytes certificate) {
  return {{std::move(certificate)}, tpm::endorsement_key_area(pki().ek.public_key()).value()};
}

Result<VerifiedPlatform> verify(const PlatformEvidence& evidence) {
  return VerifiedPlatform::verify(evidence, HostForTest::roots(), test_pki::now());
}

TEST(Platform, IsVerifiedAndSaysWhoMadeIt) {
  const auto platform = verify(host().platform());
  ASSERT_THAT(platform, Succeeds());
  EXPECT_EQ(platform->identity(), (TpmIdentity{"id:53454C46", "emulated", "id:00010000"}));
  EXPECT_EQ(platform->root(), "CN=Test TPM Root CA");
  EXPECT_EQ(platform->hardware_key_hash(), hardware_key_hash(host().ek.public_key()));
  EXPECT_FALSE(platform->has_platform_certificate());
}

TEST(Platform, CanHaveAnEllipticCurveEk) {
  for (const auto kind : {tpm::KeyKind::p256, tpm::KeyKind::p384}) {
    const auto key = tpm::fresh_key(kind);
    const auto certificate = test_pki::issue(test_pki::ek_draft(key.public_key()));
    EXPECT_THAT(verify({{certificate.der()}, tpm::endorsement_key_area(key.public_key()).value()}),
                Succeeds());
  }
}

TEST(Platform, HasTheSameHashWhateverAlgorithmItsCertificateWrites) {
  auto draft = test_pki::ek_draft(host().ek.public_key());
  draft.oaep_key = true;
  auto evidence = host().platform();
  evidence.ek_certificates = {test_pki::issue(draft).der()};
  const auto platform = verify(evidence);
  ASSERT_THAT(platform, Succeeds());
  EXPECT_EQ(platform->hardware_key_hash(), hardware_key_hash(host().ek.public_key()));
}

TEST(Platform, ShowsItsIntermediatesItself) {
  auto trust = pki().trust();
  trust.intermediates.clear();
  const auto roots = TrustedRoots::create(trust).value();
  auto evidence = host().platform();
  EXPECT_THAT(VerifiedPlatform::verify(evidence, roots, test_pki::now()),
              FailsAt(ErrorCode::issuer_missing, "chain[0]"));
  evidence.ek_certificates.push_back(pki().intermediate.certificate().der());
  EXPECT_THAT(VerifiedPlatform::verify(evidence, roots, test_pki::now()), Succeeds());
}

TEST(Platform, NeedsACertificate) {
  auto evidence = host().platform();
  evidence.ek_certificates.clear();
  EXPECT_THAT(verify(evidence), FailsWith(ErrorCode::ek_certificate_missing));
  evidence.ek_certificates = {{}};
  EXPECT_THAT(verify(evidence), FailsWith(ErrorCode::ek_certificate_missing));
}

TEST(Platform, NamesTheCertificateThatCannotBeRead) {
  auto evidence = host().platform();
  evidence.ek_certificates[0].resize(100);
  EXPECT_THAT(verify(evidence), FailsAt(ErrorCode::ek_certificate_malformed, "ek_certificates[0]"));
  evidence = host().platform();
  evidence.ek_certificates.push_back(to_bytes(as_bytes("garbage")));
  EXPECT_THAT(verify(evidence), FailsAt(ErrorCode::ek_certificate_malformed, "ek_certificates[1]"));
}

TEST(Platform, IsRefusedWithTheEkOfAnotherTpm) {
  auto evidence = host().platform();
  evidence.endorsement_key = tpm::endorsement_key_area(pki().ek.public_key()).value();
  EXPECT_THAT(verify(evidence), FailsAt(ErrorCode::ek_key_differs, "endorsement_key"));
}

TEST(Platform, IsRefusedWithAnAttestationKeyInTheEksPlace) {
  auto evidence = host().platform();
  const auto other = tpm::fresh_key(tpm::KeyKind::rsa2048);
  evidence.endorsement_key =
      changed(tpm::endorsement_key_area(other.public_key()).value(), [](TPMT_PUBLIC& area) {
        area.objectAttributes &= ~TPMA_OBJECT_DECRYPT;
        area.objectAttributes |= TPMA_OBJECT_SIGN_ENCRYPT;
      });
  EXPECT_THAT(verify(evidence), FailsAt(ErrorCode::ek_key_differs, "endorsement_key"));
}

/// A certificate for a key is not enough: the key must be an EK. Otherwise another key with a certificate, or
/// the EK's own numbers under other attributes, could stand in for it.
TEST(Platform, NamesTheFirstFieldThatIsNotTheTemplates) {
  const auto refused_at = [](const char* field, auto change) {
    auto evidence = host().platform();
    evidence.endorsement_key = changed(host().ek_public, change);
    EXPECT_THAT(verify(evidence), FailsAt(ErrorCode::ek_template_differs, field));
  };
  const auto flip = [&](const char* field, TPMA_OBJECT bit) {
    refused_at(field, [bit](TPMT_PUBLIC& area) { area.objectAttributes ^= bit; });
  };
  flip("fixedTPM", TPMA_OBJECT_FIXEDTPM);
  flip("stClear", TPMA_OBJECT_STCLEAR);
  flip("fixedParent", TPMA_OBJECT_FIXEDPARENT);
  flip("sensitiveDataOrigin", TPMA_OBJECT_SENSITIVEDATAORIGIN);
  flip("userWithAuth", TPMA_OBJECT_USERWITHAUTH);
  flip("adminWithPolicy", TPMA_OBJECT_ADMINWITHPOLICY);
  flip("noDA", TPMA_OBJECT_NODA);
  flip("encryptedDuplication", TPMA_OBJECT_ENCRYPTEDDUPLICATION);
  flip("restricted", TPMA_OBJECT_RESTRICTED);
  flip("decrypt", TPMA_OBJECT_DECRYPT);
  flip("sign", TPMA_OBJECT_SIGN_ENCRYPT);
  flip("reserved", 1U << 31U);
  refused_at("nameAlg", [](TPMT_PUBLIC& area) { area.nameAlg = TPM2_ALG_SHA1; });
  refused_at("symmetric", [](TPMT_PUBLIC& area) { area.parameters.rsaDetail.symmetric.keyBits.aes = 256; });
  refused_at("authPolicy", [](TPMT_PUBLIC& area) { area.authPolicy.buffer[0] ^= 1U; });
  refused_at("exponent", [](TPMT_PUBLIC& area) { area.parameters.rsaDetail.exponent = 65537; });
}

class BadChainsOfHosts : public testing::TestWithParam<test_pki::Exhibit> {};
TEST_P(BadChainsOfHosts, AreRefusedForTheirFault) {
  const auto& exhibit = GetParam();
  const auto roots = TrustedRoots::create(exhibit.trust).value();
  EXPECT_THAT(VerifiedPlatform::verify(evidence_with(exhibit.certificate), roots, test_pki::now()),
              FailsAt(exhibit.code, exhibit.field));
}
INSTANTIATE_TEST_SUITE_P(Chains, BadChainsOfHosts, testing::ValuesIn(test_pki::bad_chains()),
                         [](const auto& test) { return test.param.name; });
INSTANTIATE_TEST_SUITE_P(Usages, BadChainsOfHosts, testing::ValuesIn(test_pki::bad_usages()),
                         [](const auto& test) { return test.param.name; });

class OddCertificates : public testing::TestWithParam<test_pki::Oddity> {};
TEST_P(OddCertificates, AreTaken) {
  const auto roots = TrustedRoots::create(GetParam().trust).value();
  EXPECT_THAT(VerifiedPlatform::verify(evidence_with(GetParam().certificate), roots, test_pki::now()),
              Succeeds())
      << GetParam().reason;
}
INSTANTIATE_TEST_SUITE_P(Gallery, OddCertificates, testing::ValuesIn(test_pki::oddities()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace sealift::tee
