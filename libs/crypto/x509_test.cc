// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "tests/certificates/test_pki.h"

namespace sealift::crypto {
namespace {

using test_pki::pki;

Bytes both(ByteView a, ByteView b) { return ByteWriter{}.bytes(a).bytes(b).view(); }

TEST(CertificateTest, ShowsWhatAnEkCertificateSays) {
  const auto& certificate = pki().ek_certificate;
  EXPECT_EQ(certificate.subject(), "");
  EXPECT_EQ(certificate.issuer(), "CN=Test TPM Intermediate CA");
  EXPECT_EQ(certificate.not_before(), test_pki::kCurrent.not_before);
  EXPECT_EQ(certificate.not_after(), test_pki::kCurrent.not_after);
  EXPECT_EQ(certificate.issuer_urls(), std::vector<std::string>{std::string{test_pki::kIntermediateUrl}});
  EXPECT_EQ(certificate.crl_urls(), std::vector<std::string>{"http://pki.example/intermediate.crl"});
  EXPECT_EQ(certificate.extended_key_usage(), std::vector<std::string>{"2.23.133.8.1"});
  const std::vector<NameAttribute> names{
      {"2.23.133.2.1", "id:53454C46"}, {"2.23.133.2.2", "emulated"}, {"2.23.133.2.3", "id:00010000"}};
  EXPECT_EQ(certificate.directory_alt_names(), names);
  EXPECT_FALSE(certificate.is_ca());
  EXPECT_TRUE(pki().root.certificate().is_ca());
  EXPECT_TRUE(pki().root.certificate().is_self_issued());
  EXPECT_FALSE(certificate.is_self_issued());
  EXPECT_TRUE(certificate.public_key().value() == pki().ek.public_key());
}

TEST(CertificateTest, ReadsPemAndDerAlike) {
  const auto& certificate = pki().ek_certificate;
  const auto from_pem = Certificate::parse(as_bytes("a comment\n" + certificate.pem()));
  ASSERT_THAT(from_pem, Succeeds());
  EXPECT_EQ(*from_pem, certificate);
  EXPECT_EQ(Certificate::parse(certificate.der()).value(), certificate);
}

TEST(CertificateTest, RefusesEveryTruncation) {
  const auto& der = pki().ek_certificate.der();
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(Certificate::parse(ByteView{der}.first(size))) << size;
    EXPECT_FALSE(Certificate::parse_padded(ByteView{der}.first(size))) << size;
  }
}

TEST(CertificateTest, TakesPaddingOnlyWhereItIsExpectedAndOnlyErasedBytes) {
  const auto& der = pki().ek_certificate.der();
  EXPECT_THAT(Certificate::parse(both(der, Bytes{0})), FailsWith(ErrorCode::malformed));
  const auto padded = Certificate::parse_padded(both(der, Bytes(9, 0xff)));
  ASSERT_THAT(padded, Succeeds());
  EXPECT_EQ(*padded, pki().ek_certificate);
  EXPECT_THAT(Certificate::parse_padded(both(der, Bytes{0, 0xff})), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(Certificate::parse_padded(both(der, der)), FailsWith(ErrorCode::malformed));
}

TEST(CertificateTest, RefusesOtherPemBlocks) {
  const auto key = pki().ek.public_key().pem();
  EXPECT_THAT(Certificate::parse(as_bytes(key)), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse_certificates(as_bytes(pki().ek_certificate.pem() + key)),
              FailsWith(ErrorCode::malformed));
  EXPECT_THAT(Certificate::parse(as_bytes(pki().ek_certificate.pem() + pki().ek_certificate.pem())),
              FailsWith(ErrorCode::too_large));
  EXPECT_THAT(Certificate::parse(as_bytes("no certificate")), FailsWith(ErrorCode::malformed));
}

TEST(CertificateTest, RefusesOneThatIsTooLarge) {
  auto draft = test_pki::ek_draft(pki().ek.public_key());
  draft.extensions.emplace_back("1.3.6.1.4.1.55555.2",
                                "DER:0482" + to_hex(Bytes{0x44, 0x00}) + std::string(2 * 0x4400, '0'));
  EXPECT_THAT(pki().intermediate.sign(draft), FailsWith(ErrorCode::too_large));
}

TEST(CertificatesTest, ReadsSeveralOfAPemFileAndOfNv) {
  const auto& a = pki().ek_certificate;
  const auto& b = pki().intermediate.certificate();
  const auto from_pem = parse_certificates(as_bytes(a.pem() + "\ntext\n" + b.pem()));
  ASSERT_THAT(from_pem, Succeeds());
  EXPECT_EQ(*from_pem, (std::vector{a, b}));
  const auto from_nv = parse_certificates(both(both(a.der(), b.der()), Bytes(50, 0xff)));
  ASSERT_THAT(from_nv, Succeeds());
  EXPECT_EQ(*from_nv, (std::vector{a, b}));
  EXPECT_FALSE(parse_certificates({}));
  EXPECT_FALSE(parse_certificates(both(a.der(), as_bytes("garbage"))));
}

TEST(CertificateTest, ShowsNoControlCharactersOfStrangers) {
  auto draft = test_pki::ek_draft(pki().ek.public_key());
  draft.subject = {{"CN", "evil\x1b[2J\nCN=Root"}};
  // caIssuers, URI "http://x\x1b".
  test_pki::set_extension(draft, "authorityInfoAccess",
                          "DER:3017301506082b060105050730028609687474703a2f2f781b");
  const auto certificate = test_pki::issue(draft);
  EXPECT_EQ(certificate.subject().find_first_of("\x1b\n"), std::string::npos);
  EXPECT_EQ(certificate.issuer_urls(), std::vector<std::string>{"http://x?"});
}

TEST(CrlTest, ReadsPemAndDerAlike) {
  const auto& crl = pki().root_crl;
  EXPECT_EQ(crl.issuer(), "CN=Test TPM Root CA");
  EXPECT_EQ(crl.this_update(), test_pki::kCurrent.not_before);
  EXPECT_EQ(crl.next_update(), test_pki::kCurrent.not_after);
  EXPECT_EQ(Crl::parse(as_bytes(crl.pem())).value().der(), crl.der());
  EXPECT_EQ(Crl::parse(crl.der()).value().der(), crl.der());
  for (std::size_t size = 0; size < crl.der().size(); ++size) {
    EXPECT_FALSE(Crl::parse(ByteView{crl.der()}.first(size))) << size;
  }
  EXPECT_THAT(Crl::parse(both(crl.der(), Bytes{0})), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(Crl::parse(as_bytes(pki().ek_certificate.pem())), FailsWith(ErrorCode::malformed));
}

TEST(UtcText, WritesTheEndOfTime) {
  EXPECT_EQ(utc_text(Validity::kNoEnd), "9999-12-31T23:59:59Z");
  EXPECT_EQ(utc_text(test_pki::kNow), "2026-06-01T00:00:00Z");
}

}  // namespace
}  // namespace sealift::crypto
