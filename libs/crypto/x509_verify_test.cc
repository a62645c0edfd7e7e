// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509_verify.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "tests/certificates/test_pki.h"

namespace sealift::crypto {
namespace {

using test_pki::pki;

Result<std::vector<Certificate>> verify(ByteView certificate, const TrustInput& trust) {
  SEALIFT_TRY(const auto roots, TrustedRoots::create(trust));
  SEALIFT_TRY(const auto parsed, Certificate::parse_padded(certificate));
  return verify_chain(parsed, roots, test_pki::now());
}

void expect_refusal(const test_pki::Exhibit& exhibit) {
  const auto result = verify(exhibit.certificate, exhibit.trust);
  EXPECT_THAT(result, FailsAt(exhibit.code, exhibit.field));
  if (result) return;
  for (const auto& part : exhibit.message_has) EXPECT_THAT(result.error().message, testing::HasSubstr(part));
}

TEST(ChainVerification, AcceptsAGoodChainAndReturnsItUpToTheRoot) {
  const auto chain = verify(pki().ek_certificate.der(), pki().trust());
  ASSERT_THAT(chain, Succeeds());
  ASSERT_EQ(chain->size(), 3U);
  EXPECT_EQ((*chain)[0], pki().ek_certificate);
  EXPECT_EQ((*chain)[2], pki().root.certificate());
}

TEST(ChainVerification, TakesIntermediatesThatComeWithTheCertificate) {
  auto trust = pki().trust();
  trust.intermediates.clear();
  const auto roots = TrustedRoots::create(trust).value();
  const std::vector<Certificate> extra{pki().intermediate.certificate()};
  EXPECT_THAT(verify_chain(pki().ek_certificate, roots, test_pki::now(), extra), Succeeds());
}

TEST(ChainVerification, DoesNotTrustARootThatComesWithTheCertificate) {
  auto trust = pki().trust();
  const auto other =
      CertificateAuthority::create_root(test_pki::ec_key(), "Other", test_pki::kCurrent).value();
  trust.roots = {other.certificate()};
  const auto roots = TrustedRoots::create(trust).value();
  const std::vector<Certificate> extra{pki().root.certificate()};
  const auto refused = verify_chain(pki().ek_certificate, roots, test_pki::now(), extra);
  EXPECT_THAT(refused, FailsAt(ErrorCode::issuer_untrusted, "chain[2]"));
  EXPECT_THAT(refused, FailsShowing(other.certificate().subject(), pki().root.certificate().subject()));
}

TEST(ChainVerification, RefusesMoreExtraIntermediatesThanAnyChainNeeds) {
  const auto roots = TrustedRoots::create(pki().trust()).value();
  const std::vector<Certificate> extra(kExtraIntermediates + 1, pki().intermediate.certificate());
  EXPECT_THAT(verify_chain(pki().ek_certificate, roots, test_pki::now(), extra),
              FailsWith(ErrorCode::too_large));
}

TEST(ChainVerification, TakesATrustedIntermediateAsTheEnd) {
  auto trust = pki().trust();
  trust.roots = {pki().intermediate.certificate()};
  trust.intermediates.clear();
  trust.crls = {pki().intermediate_crl};
  const auto chain = verify(pki().ek_certificate.der(), trust);
  ASSERT_THAT(chain, Succeeds());
  EXPECT_EQ(chain->size(), 2U);
}

TEST(ChainVerification, AsksForNoListWhereListsAreOptional) {
  auto trust = pki().trust();
  trust.crls.clear();
  trust.crl_policy = CrlPolicy::where_given;
  EXPECT_THAT(verify(pki().ek_certificate.der(), trust), Succeeds());
}

TEST(ChainVerification, ObeysAGivenListWhereListsAreOptional) {
  auto trust = pki().trust();
  trust.crls = {pki().intermediate.issue_crl({pki().ek_certificate}, test_pki::kCurrent).value()};
  trust.crl_policy = CrlPolicy::where_given;
  EXPECT_THAT(verify(pki().ek_certificate.der(), trust), FailsAt(ErrorCode::certificate_revoked, "chain[0]"));
  trust.crls = {pki().intermediate.issue_crl({}, test_pki::kPast).value()};
  EXPECT_THAT(verify(pki().ek_certificate.der(), trust), FailsAt(ErrorCode::crl_expired, "chain[0]"));
}

TEST(ChainVerification, NoticesEveryFlippedBitOfTheCertificate) {
  const auto roots = TrustedRoots::create(pki().trust()).value();
  const auto good = pki().ek_certificate.der();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto der = good;
    der[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto certificate = Certificate::parse(der);
    if (!certificate) continue;
    EXPECT_FALSE(verify_chain(*certificate, roots, test_pki::now())) << "bit " << bit;
  }
}

TEST(TrustedRootsTest, CannotBeEmpty) {
  EXPECT_THAT(TrustedRoots::create({}), FailsAt(ErrorCode::invalid_argument, "roots"));
}

TEST(TrustedRootsTest, RefusesARootThatIsNoCa) {
  auto trust = pki().trust();
  trust.roots.push_back(pki().ek_certificate);
  EXPECT_THAT(TrustedRoots::create(trust), FailsAt(ErrorCode::certificate_usage_refused, "basicConstraints"));
}

class BadChains : public testing::TestWithParam<test_pki::Exhibit> {};
TEST_P(BadChains, IsRefusedForItsFault) { expect_refusal(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Gallery, BadChains, testing::ValuesIn(test_pki::bad_chains()),
                         [](const auto& test) { return test.param.name; });

class BadCrls : public testing::TestWithParam<test_pki::Exhibit> {};
TEST_P(BadCrls, IsRefusedForItsFault) { expect_refusal(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Gallery, BadCrls, testing::ValuesIn(test_pki::bad_crls()),
                         [](const auto& test) { return test.param.name; });

class Oddities : public testing::TestWithParam<test_pki::Oddity> {};
TEST_P(Oddities, IsAccepted) {
  EXPECT_THAT(verify(GetParam().certificate, GetParam().trust), Succeeds()) << GetParam().reason;
}
INSTANTIATE_TEST_SUITE_P(Gallery, Oddities, testing::ValuesIn(test_pki::oddities()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace sealift::crypto
