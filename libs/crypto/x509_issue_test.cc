// SPDX-License-Identifier: Apache-2.0
// What we issue, judged by openssl(1).
#include "crypto/x509_issue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "base/file.h"
#include "base/matchers.h"
#include "base/process.h"
#include "tests/certificates/test_pki.h"

namespace sealift::crypto {
namespace {

using test_pki::pki;

class OpensslTool : public testing::Test {
 protected:
  std::string file(const std::string& name, std::string_view content) {
    const auto path = directory_.path() / name;
    EXPECT_THAT(write_file(path, as_bytes(content)), Succeeds());
    return path.string();
  }
  static std::string openssl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    Command command;
    command.argv = std::move(arguments);
    const auto output = run(std::move(command));
    EXPECT_THAT(output, Succeeds());
    return output ? output->out + output->err : "";
  }
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
};

TEST_F(OpensslTool, ReadsAnIssuedPlatformCertificate) {
  const auto der =
      pki().intermediate.issue_platform_certificate(pki().ek_certificate, {.validity = test_pki::kCurrent});
  ASSERT_THAT(der, Succeeds());
  const auto text = openssl({"asn1parse", "-inform", "DER", "-in", file("platform.der", as_text(*der))});
  for (const auto* part : {":2.23.133.2.17", "656D756C61746564" /* emulated */,
                           "X509v3 Subject Alternative Name", "GENERALIZEDTIME", "ecdsa-with-SHA256"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST_F(OpensslTool, VerifiesAnIssuedEkCertificateWithItsLists) {
  const auto root = file("root.pem", pki().root.certificate().pem());
  const auto intermediate = file("intermediate.pem", pki().intermediate.certificate().pem());
  const auto lists = file("crls.pem", pki().root_crl.pem() + pki().intermediate_crl.pem());
  const auto ek = file("ek.pem", pki().ek_certificate.pem());
  const auto verdict = openssl({"verify", "-no-CAfile", "-no-CApath", "-x509_strict", "-crl_check_all",
                                "-attime", std::to_string(test_pki::kNow), "-trusted", root, "-untrusted",
                                intermediate, "-CRLfile", lists, ek});
  EXPECT_EQ(verdict, ek + ": OK\n");
}

TEST_F(OpensslTool, ShowsTheTcgFieldsOfAnIssuedEkCertificate) {
  const auto text = openssl({"x509", "-noout", "-text", "-in", file("ek.pem", pki().ek_certificate.pem())});
  EXPECT_THAT(text, testing::HasSubstr("X509v3 Key Usage: critical\n                Key Encipherment"));
  EXPECT_THAT(text, testing::HasSubstr("X509v3 Basic Constraints: critical\n                CA:FALSE"));
  EXPECT_THAT(text, testing::ContainsRegex(
                        "Extended Key Usage: *\n *(2\\.23\\.133\\.8\\.1|Endorsement Key Certificate)"));
  EXPECT_THAT(text, testing::ContainsRegex(
                        "Alternative Name: critical\n *DirName:.*id:53454C46.*emulated.*id:00010000"));
  EXPECT_THAT(text, testing::HasSubstr("CA Issuers - URI:http://pki.example/intermediate.cer"));
  EXPECT_THAT(text, testing::HasSubstr("URI:http://pki.example/intermediate.crl"));
}

TEST_F(OpensslTool, ShowsARevokedSerial) {
  const auto crl = pki().intermediate.issue_crl({pki().ek_certificate}, test_pki::kCurrent, 7).value();
  auto text = openssl({"crl", "-noout", "-text", "-in", file("crl.pem", crl.pem())});
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  EXPECT_THAT(text, testing::HasSubstr("serial number: " + pki().ek_certificate.serial()));
  EXPECT_THAT(text, testing::ContainsRegex("x509v3 crl number: *\n *7"));
}

TEST(CertificateAuthorityTest, IssuesForEllipticCurveKeysToo) {
  const auto key = test_pki::ec_key();
  const auto certificate = pki().intermediate.issue_ek_certificate(key.public_key());
  ASSERT_THAT(certificate, Succeeds());
  EXPECT_TRUE(certificate->public_key().value() == key.public_key());
  EXPECT_EQ(certificate->not_after(), Validity::kNoEnd);
}

TEST(CertificateAuthorityTest, ComesBackFromKeyAndCertificate) {
  const auto pem = pki().root.key().pem();
  auto key = PrivateKey::parse(pem.expose());
  ASSERT_THAT(key, Succeeds());
  EXPECT_THAT(CertificateAuthority::load(std::move(*key), pki().root.certificate()), Succeeds());
}

TEST(CertificateAuthorityTest, RefusesAnotherKeyAndALeaf) {
  EXPECT_THAT(CertificateAuthority::load(test_pki::ec_key(), pki().root.certificate()),
              FailsAt(ErrorCode::invalid_argument, "key"));
  EXPECT_THAT(CertificateAuthority::load(test_pki::ec_key(), pki().ek_certificate),
              FailsAt(ErrorCode::invalid_argument, "certificate"));
}

TEST(CertificateAuthorityTest, RefusesUrlsThatWouldEndUpAsSomethingElse) {
  for (const std::string url : {"", "http://a,URI:http://b", "http://a b", "http://a\n"}) {
    EXPECT_THAT(CertificateAuthority::create_root(test_pki::ec_key(), "Root", test_pki::kCurrent, 1,
                                                  {.certificate = {url}, .crl = {}}),
                FailsAt(ErrorCode::invalid_argument, "url"));
  }
}

TEST(CertificateAuthorityTest, GivesEveryCertificateItsOwnSerial) {
  const auto a = pki().root.issue_ek_certificate(pki().ek.public_key()).value();
  const auto b = pki().root.issue_ek_certificate(pki().ek.public_key()).value();
  EXPECT_NE(a.serial(), b.serial());
  EXPECT_EQ(a.serial().size(), 32U);
}

}  // namespace
}  // namespace sealift::crypto
