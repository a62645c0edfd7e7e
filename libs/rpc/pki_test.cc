// SPDX-License-Identifier: Apache-2.0
// What the small CA makes, judged by openssl(1).
#include "rpc/pki.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/matchers.h"
#include "base/process.h"

namespace sealift::rpc {
namespace {

using ::testing::HasSubstr;

TimePoint now() { return SystemClock{}.now(); }

class PkiTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(create_pki(pki_, "example.org", now()), Succeeds()); }
  static Output openssl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    Command command;
    command.argv = std::move(arguments);
    return run(std::move(command)).value();
  }
  Output verify(const std::filesystem::path& out) const {
    return openssl({"verify", "-x509_strict", "-crl_check", "-CAfile", (pki_ / "ca.pem").string(), "-CRLfile",
                    (pki_ / "crl.pem").string(), (out / "certificate.pem").string()});
  }

  TemporaryDirectory directory_ = TemporaryDirectory::create("pki").value();
  const std::filesystem::path pki_ = directory_.path() / "pki";
  const std::filesystem::path out_ = directory_.path() / "acme";
};

TEST_F(PkiTest, IssuesWhatOpensslVerifies) {
  ASSERT_THAT(issue_credentials(pki_, Role::tenant, "acme", out_, now(), {.hosts = {"localhost", "::1"}}),
              Succeeds());
  EXPECT_THAT(verify(out_).out, HasSubstr("certificate.pem: OK"));
  const auto text = openssl({"x509", "-noout", "-text", "-in", (out_ / "certificate.pem").string()}).out;
  EXPECT_THAT(text,
              HasSubstr("URI:spiffe://example.org/tenant/acme, DNS:localhost, IP Address:0:0:0:0:0:0:0:1"));
  EXPECT_THAT(text, HasSubstr("TLS Web Server Authentication, TLS Web Client Authentication"));
  EXPECT_THAT(text, HasSubstr("CA:FALSE"));
  EXPECT_THAT(openssl({"x509", "-noout", "-text", "-in", (pki_ / "ca.pem").string()}).out,
              HasSubstr("URI:spiffe://example.org\n"));
}

TEST_F(PkiTest, KeepsKeysToTheirOwner) {
  ASSERT_THAT(issue_credentials(pki_, Role::tenant, "acme", out_, now()), Succeeds());
  for (const auto& key : {pki_ / "ca-key.pem", out_ / "key.pem"}) {
    struct stat about{};
    ASSERT_EQ(::stat(key.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777U, 0600U) << key;
  }
}

TEST_F(PkiTest, RevokesForOpensslToo) {
  const auto acme = issue_credentials(pki_, Role::tenant, "acme", out_, now());
  ASSERT_THAT(acme, Succeeds());
  const auto other = directory_.path() / "other";
  ASSERT_THAT(issue_credentials(pki_, Role::tenant, "other", other, now()), Succeeds());
  ASSERT_THAT(revoke_certificate(pki_, *acme, now()), Succeeds());
  EXPECT_THAT(verify(out_).err, HasSubstr("certificate revoked"));
  EXPECT_THAT(verify(other).out, HasSubstr("OK"));
  // Again, and one more: nothing is taken back.
  ASSERT_THAT(revoke_certificate(pki_, *acme, now()), Succeeds());
  EXPECT_THAT(verify(out_).err, HasSubstr("certificate revoked"));
}

TEST_F(PkiTest, OverwritesNothing) {
  EXPECT_THAT(create_pki(pki_, "example.org", now()), FailsWith(ErrorCode::already_exists));
  ASSERT_THAT(issue_credentials(pki_, Role::tenant, "acme", out_, now()), Succeeds());
  EXPECT_THAT(issue_credentials(pki_, Role::tenant, "acme", out_, now()),
              FailsAt(ErrorCode::already_exists, "out"));
}

TEST_F(PkiTest, RefusesNamesThatAreNoIdentity) {
  EXPECT_THAT(create_pki(directory_.path() / "x", "Not A Domain", now()), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(issue_credentials(pki_, Role::tenant, "", out_, now()), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(issue_credentials(pki_, Role::tenant, "a/b", out_, now()), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(issue_credentials(pki_, Role::frontend, "x", out_, now()), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(issue_credentials(pki_, Role::frontend, "", out_, now(), {.hosts = {"a,URI:spiffe://x"}}),
              FailsAt(ErrorCode::invalid_argument, "host"));
  EXPECT_FALSE(std::filesystem::exists(out_));
}

TEST_F(PkiTest, RevokesOnlyItsOwn) {
  const auto elsewhere = directory_.path() / "elsewhere";
  ASSERT_THAT(create_pki(elsewhere, "example.org", now()), Succeeds());
  const auto theirs = issue_credentials(elsewhere, Role::tenant, "acme", out_, now());
  ASSERT_THAT(theirs, Succeeds());
  EXPECT_THAT(revoke_certificate(pki_, *theirs, now()), FailsWith(ErrorCode::not_found));
}

}  // namespace
}  // namespace sealift::rpc
