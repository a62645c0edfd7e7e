// SPDX-License-Identifier: Apache-2.0
/// sealift pki, with what it makes used by openssl(1): two peers that shake hands.
#include "cli/tool_for_test.h"

namespace sealift::cli {
namespace {

class Pki : public ToolTest {
 protected:
  void SetUp() override {
    const auto document = sealift_json({"pki", "init", path("pki"), "--trust-domain", "example.org"});
    EXPECT_EQ(document["trust_domain"], "example.org");
  }
  Json issue(std::vector<std::string> arguments, const std::string& out) const {
    arguments.insert(arguments.begin(), {"pki", "issue", path("pki")});
    arguments.insert(arguments.end(), {"--out", path(out)});
    return sealift_json(std::move(arguments));
  }
  bool openssl_accepts(const std::string& out) const {
    sealift::Command command;
    command.argv = {"openssl",          "verify",   "-crl_check",        "-CAfile",
                    path("pki/ca.pem"), "-CRLfile", path("pki/crl.pem"), path(out + "/certificate.pem")};
    return run(std::move(command))->exit_status == 0;
  }
};

TEST_F(Pki, IssuesIdentities) {
  EXPECT_EQ(issue({"--role", "tenant", "--name", "acme"}, "acme")["identity"],
            "spiffe://example.org/tenant/acme");
  EXPECT_EQ(issue({"--role", "frontend", "--host", "localhost"}, "frontend")["identity"],
            "spiffe://example.org/frontend");
  EXPECT_EQ(issue({"--role", "sm", "--name", "acme", "--days", "7"}, "sm")["identity"],
            "spiffe://example.org/sm/acme");
  for (const auto* out : {"acme", "frontend", "sm"}) EXPECT_TRUE(openssl_accepts(out)) << out;
}

TEST_F(Pki, RevokesThem) {
  const auto serial = issue({"--role", "host", "--name", "h1"}, "h1")["serial"];
  const auto revoked = sealift_json({"pki", "revoke", path("pki"), path("h1/certificate.pem")});
  EXPECT_EQ(revoked["serial"], serial);
  EXPECT_FALSE(openssl_accepts("h1"));
}

TEST_F(Pki, SaysWhatWasTypedWrongly) {
  const auto refused = [&](std::vector<std::string> arguments, int status, const char* code) {
    arguments.insert(arguments.begin(), "pki");
    EXPECT_EQ(sealift_error(std::move(arguments), status)["code"], code);
  };
  refused({"init", path("pki"), "--trust-domain", "example.org"}, 3, "already_exists");
  refused({"init", path("x"), "--trust-domain", "Example"}, 1, "malformed");
  refused({"issue", path("pki"), "--role", "king", "--out", path("x")}, 2, "invalid_argument");
  refused({"issue", path("pki"), "--role", "tenant", "--out", path("x")}, 1, "malformed");
  refused({"issue", path("pki"), "--role", "tenant", "--name", "a", "--days", "0", "--out", path("x")}, 2,
          "invalid_argument");
  refused({"issue", path("nowhere"), "--role", "tenant", "--name", "a", "--out", path("x")}, 3, "not_found");
  refused({"revoke", path("pki"), path("pki/ca.pem")}, 3, "not_found");
  EXPECT_FALSE(exists("x"));
}

}  // namespace
}  // namespace sealift::cli
