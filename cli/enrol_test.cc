// SPDX-License-Identifier: Apache-2.0
/// sealift enrol with emulated machines: what the evidence's platform certificate comes to.
#include "base/matchers.h"
#include "cli/tool_for_test.h"

namespace sealift::cli {
namespace {

class Enrol : public ToolTest {
 protected:
  void SetUp() override {
    host({"create", "alpha"});
    expected_ = host({"boot", "alpha"}).at("expected_pcrs").at("sha256").at("6");
    host({"evidence", "alpha", "--out", path("evidence")});
    evidence_ = Json::parse(as_text(read("evidence")));
  }
  void TearDown() override { host({"stop", "alpha"}); }

  Json host(std::vector<std::string> words) const {
    words.insert(words.begin(), {"dev", "host"});
    words.insert(words.end(), {"--dir", path("machines")});
    return sealift_json(std::move(words));
  }
  /// The intermediate CA is in the evidence: the root is all that the customer has to name.
  std::vector<std::string> challenge(const Json& evidence) const {
    return {"enrol",      "challenge",
            "--evidence", write("evidence", evidence.dump()),
            "--root",     path("machines/ca/root.pem"),
            "--pcr",      "sha256:6=" + expected_,
            "--state",    path("state"),
            "--out",      path("challenge")};
  }
  Json finish() const {
    host({"activate", "alpha", "--challenge", path("challenge"), "--out", path("response")});
    return sealift_json({"enrol", "finish", "--state", path("state"), "--response", path("response"), "--out",
                         path("alpha.json")});
  }

  std::string expected_;
  Json evidence_;
};

constexpr const char* kIssuer = "CN=Sealift emulated machines test EK CA";

TEST_F(Enrol, ShowsWhoIssuedThePlatformCertificate) {
  EXPECT_EQ(sealift_json(challenge(evidence_))["platform_issuer"], kIssuer);
  EXPECT_EQ(finish()["platform_issuer"], kIssuer);
  EXPECT_EQ(sealift_json({"enrol", "show", path("alpha.json")})["platform_issuer"], kIssuer);
  const auto text = sealift({"enrol", "show", path("alpha.json")}).out;
  EXPECT_NE(text.find(std::string{"platform certificate by "} + kIssuer), std::string::npos) << text;
}

TEST_F(Enrol, ShowsThatThereIsNoPlatformCertificate) {
  evidence_.erase("platform_certificate");
  EXPECT_EQ(sealift_json(challenge(evidence_))["platform_issuer"], Json{});
  EXPECT_EQ(finish()["platform_issuer"], Json{});
  const auto text = sealift({"enrol", "show", path("alpha.json")}).out;
  EXPECT_NE(text.find("no platform certificate"), std::string::npos) << text;
}

TEST_F(Enrol, RefusesAPlatformCertificateThatIsNotThisMachines) {
  const auto refused = [this](const char* code) {
    const auto error = sealift_error(challenge(evidence_), 1);
    EXPECT_EQ(error["code"], code);
    EXPECT_EQ(error["field"], "platform_certificate");
    EXPECT_FALSE(exists("state") || exists("challenge"));
  };
  host({"create", "beta"});
  host({"boot", "beta"});
  host({"evidence", "beta", "--out", path("other")});
  host({"stop", "beta"});
  evidence_["platform_certificate"] = Json::parse(as_text(read("other"))).at("platform_certificate");
  refused("platform_certificate_differs");
  evidence_["platform_certificate"] = evidence_.at("ek_certificates").at(0);
  refused("certificate_usage_refused");
  evidence_["platform_certificate"] = "AAAA";
  refused("platform_certificate_malformed");
}

}  // namespace
}  // namespace sealift::cli
