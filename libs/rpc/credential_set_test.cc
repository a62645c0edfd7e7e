// SPDX-License-Identifier: Apache-2.0
// Whom a certificate proves, and whom not.
#include "rpc/credential_set.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "crypto/x509_issue.h"
#include "rpc/pki.h"

namespace sealift::rpc {
namespace {

using crypto::Certificate;
using crypto::CertificateAuthority;
using crypto::CertificateDraft;
using crypto::PrivateKey;

TimePoint now() { return SystemClock{}.now(); }
std::int64_t seconds() { return crypto::unix_seconds(now()); }
PrivateKey new_key() { return PrivateKey::generate_ec(crypto::Curve::p256).value(); }

CertificateAuthority new_authority() {
  return CertificateAuthority::create_root(new_key(), "CA", {seconds() - 3600, seconds() + 3600}).value();
}

/// A good one for the tenant acme.
CertificateDraft draft() {
  CertificateDraft draft;
  draft.validity = {seconds() - 3600, seconds() + 3600};
  draft.extensions = {{"basicConstraints", "critical,CA:FALSE"},
                      {"keyUsage", "critical,digitalSignature"},
                      {"extendedKeyUsage", "serverAuth,clientAuth"},
                      {"subjectAltName", "critical,URI:spiffe://acme.example/tenant/acme"}};
  draft.public_key_info = new_key().public_key().der();
  return draft;
}

CertificateDraft with(const std::string& extension, const std::string& value) {
  auto changed = draft();
  std::erase_if(changed.extensions, [&](const auto& each) { return each.first == extension; });
  if (!value.empty()) changed.extensions.emplace_back(extension, value);
  return changed;
}

/// A verifier that trusts `acme` for acme.example and `cloud` for cloud.example, the latter for services
/// only.
class VerifyPeer : public ::testing::Test {
 protected:
  void SetUp() override { reload(); }
  void reload(const std::vector<Certificate>& revoked = {}) {
    const auto& path = directory_.path();
    const auto crl = acme_.issue_crl(revoked, {seconds() - 3600, seconds() + 3600}).value();
    const auto key = new_key();
    auto own = draft();
    own.public_key_info = key.public_key().der();
    ASSERT_THAT(write_file(path / "certificate.pem", as_bytes(acme_.sign(own).value().pem())), Succeeds());
    const auto pem = key.pem();
    ASSERT_THAT(write_file(path / "key.pem", pem.expose()), Succeeds());
    ASSERT_THAT(write_file(path / "acme.pem", as_bytes(acme_.certificate().pem())), Succeeds());
    ASSERT_THAT(write_file(path / "acme.crl", as_bytes(crl.pem())), Succeeds());
    ASSERT_THAT(write_file(path / "cloud.pem", as_bytes(cloud_.certificate().pem())), Succeeds());
    auto set = CredentialSet::read({.certificate_chain = path / "certificate.pem",
                                    .private_key = path / "key.pem",
                                    .trust = {{.trust_domain = "acme.example",
                                               .roots = path / "acme.pem",
                                               .revocation_lists = {path / "acme.crl"}},
                                              {.trust_domain = "cloud.example",
                                               .roots = path / "cloud.pem",
                                               .vouches_for = {Role::orchestrator, Role::host}}}},
                                   now());
    ASSERT_THAT(set, Succeeds());
    set_ = *std::move(set);
  }
  Result<Peer> verify(const CertificateDraft& draft, Side side = Side::client) const {
    return verify_peer(set_, {acme_.sign(draft).value()}, side, now());
  }

  TemporaryDirectory directory_ = TemporaryDirectory::create("credentials").value();
  CertificateAuthority acme_ = new_authority();
  CertificateAuthority cloud_ = new_authority();
  std::shared_ptr<const CredentialSet> set_;
};

TEST_F(VerifyPeer, KnowsATenant) {
  const auto peer = verify(draft());
  ASSERT_THAT(peer, Succeeds());
  EXPECT_EQ(peer->identity(), (Identity{"acme.example", Role::tenant, "acme"}));
  EXPECT_THAT(verify(draft(), Side::server), Succeeds());
}

TEST_F(VerifyPeer, RefusesCertificatesThatAreNotExactlyOneIdentity) {
  for (const auto* names : {"", "DNS:acme.example", "URI:https://acme.example/tenant/acme",
                            "URI:spiffe://acme.example/tenant/acme,URI:spiffe://acme.example/tenant/other",
                            "URI:spiffe://acme.example/root", "URI:spiffe://acme.example"}) {
    EXPECT_THAT(verify(with("subjectAltName", names)), FailsAt(ErrorCode::unauthenticated, "subjectAltName"))
        << names;
  }
  EXPECT_THAT(verify(with("subjectAltName", "DNS:x,URI:spiffe://acme.example/tenant/acme,IP:127.0.0.1")),
              Succeeds());
}

TEST_F(VerifyPeer, RefusesCertificatesForOtherUses) {
  EXPECT_THAT(verify(with("extendedKeyUsage", "serverAuth")),
              FailsAt(ErrorCode::unauthenticated, "extendedKeyUsage"));
  EXPECT_THAT(verify(with("extendedKeyUsage", "clientAuth"), Side::server),
              FailsAt(ErrorCode::unauthenticated, "extendedKeyUsage"));
  EXPECT_THAT(verify(with("extendedKeyUsage", "emailProtection")),
              FailsAt(ErrorCode::unauthenticated, "extendedKeyUsage"));
  EXPECT_THAT(verify(with("keyUsage", "critical,keyEncipherment")),
              FailsAt(ErrorCode::unauthenticated, "keyUsage"));
  EXPECT_THAT(verify(with("basicConstraints", "critical,CA:TRUE")),
              FailsAt(ErrorCode::unauthenticated, "basicConstraints"));
}

TEST_F(VerifyPeer, RefusesCertificatesOutOfTheirTime) {
  auto past = draft();
  past.validity = {seconds() - 7200, seconds() - 60};
  EXPECT_THAT(verify(past), FailsWith(ErrorCode::certificate_expired));
  auto future = draft();
  future.validity = {seconds() + 600, seconds() + 7200};
  EXPECT_THAT(verify(future), FailsWith(ErrorCode::certificate_not_yet_valid));
}

TEST_F(VerifyPeer, RefusesAnIdentityThatItsIssuerMayNotName) {
  const auto by_cloud = [&](const std::string& uri) {
    const auto certificate = cloud_.sign(with("subjectAltName", "URI:" + uri)).value();
    return verify_peer(set_, {certificate}, Side::client, now());
  };
  EXPECT_THAT(by_cloud("spiffe://cloud.example/orchestrator"), Succeeds());
  // The cloud's CA makes a tenant of acme's; a tenant of its own; and somebody of nobody's.
  EXPECT_FALSE(by_cloud("spiffe://acme.example/tenant/acme"));
  EXPECT_THAT(by_cloud("spiffe://cloud.example/tenant/acme"), FailsAt(ErrorCode::unauthenticated, "role"));
  EXPECT_THAT(by_cloud("spiffe://other.example/tenant/acme"),
              FailsAt(ErrorCode::unauthenticated, "trust_domain"));
}

TEST_F(VerifyPeer, RefusesARevokedOneAlsoLater) {
  const auto certificate = acme_.sign(draft()).value();
  auto peer = verify_peer(set_, {certificate}, Side::client, now());
  ASSERT_THAT(peer, Succeeds());
  EXPECT_THAT(peer->check(set_, now()), Succeeds());
  reload({certificate});
  EXPECT_THAT(peer->check(set_, now()), FailsWith(ErrorCode::certificate_revoked));
}

TEST_F(VerifyPeer, RefusesOneThatExpiredMeanwhile) {
  auto short_lived = draft();
  short_lived.validity = {seconds() - 60, seconds() + 60};
  auto peer = verify(short_lived);
  ASSERT_THAT(peer, Succeeds());
  EXPECT_THAT(peer->check(set_, now() + std::chrono::minutes{10}), FailsWith(ErrorCode::certificate_expired));
}

TEST_F(VerifyPeer, RefusesNobody) {
  EXPECT_THAT(verify_peer(set_, {}, Side::client, now()), FailsWith(ErrorCode::unauthenticated));
}

// ---- The files ----

class CredentialFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(create_pki(pki_, "d", now()), Succeeds());
    ASSERT_THAT(issue_credentials(pki_, Role::frontend, "", out_, now()), Succeeds());
    ASSERT_THAT(issue_credentials(pki_, Role::frontend, "", next_, now()), Succeeds());
    files_ = credential_files(out_).value();
  }
  void replace(const std::string& name) {
    const auto bytes = read_file(next_ / name, 1 << 20).value();
    ASSERT_THAT(write_file(out_ / name, bytes), Succeeds());
  }

  TemporaryDirectory directory_ = TemporaryDirectory::create("credentials").value();
  const std::filesystem::path pki_ = directory_.path() / "pki";
  const std::filesystem::path out_ = directory_.path() / "out";
  const std::filesystem::path next_ = directory_.path() / "next";
  CredentialFiles files_;
};

TEST_F(CredentialFilesTest, AreReadTogether) {
  const auto credentials = Credentials::load(files_);
  ASSERT_THAT(credentials, Succeeds());
  EXPECT_EQ((*credentials)->identity().text(), "spiffe://d/frontend");
}

TEST_F(CredentialFilesTest, AreRefusedWhereOneIsMissingOrAnothers) {
  for (const auto* name : {"certificate.pem", "key.pem", "ca.pem", "crl.pem"}) {
    const auto bytes = read_file(out_ / name, 1 << 20).value();
    std::filesystem::remove(out_ / name);
    EXPECT_THAT(Credentials::load(files_), FailsWith(ErrorCode::not_found)) << name;
    ASSERT_THAT(write_file(out_ / name, as_bytes("nonsense")), Succeeds());
    EXPECT_THAT(Credentials::load(files_), FailsWith(ErrorCode::malformed)) << name;
    ASSERT_THAT(write_file(out_ / name, bytes), Succeeds());
  }
  replace("key.pem");
  EXPECT_THAT(Credentials::load(files_), FailsAt(ErrorCode::invalid_argument, "private_key"));
  files_.trust.clear();
  EXPECT_THAT(Credentials::load(files_), FailsAt(ErrorCode::invalid_argument, "roots"));
}

TEST_F(CredentialFilesTest, AreRefusedWhenTheyHaveExpired) {
  const auto old = directory_.path() / "old";
  ASSERT_THAT(issue_credentials(pki_, Role::frontend, "", old, now() - std::chrono::days{3},
                                {.validity = std::chrono::days{1}}),
              Succeeds());
  EXPECT_THAT(Credentials::load(credential_files(old).value()), FailsWith(ErrorCode::certificate_expired));
}

}  // namespace
}  // namespace sealift::rpc
