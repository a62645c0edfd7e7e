// SPDX-License-Identifier: Apache-2.0
/// Policy files, as `sealift policy check` sees them.
#include "cli/tool_for_test.h"
#include "tests/certificates/test_pki.h"

namespace sealift::cli {
namespace {

const std::string kPcr(64, 'a');

class PolicyFile : public ToolTest {
 protected:
  void SetUp() override { write("root.pem", test_pki::pki().root.certificate().pem()); }
  /// A policy that holds, with these lines in front of its references.
  std::string policy(const std::string& lines = {}, const std::string& references = {}) const {
    return "format = \"sealift-policy-v1\"\ntees = [\"measured\"]\nroots = [\"root.pem\"]\n" + lines + "\n" +
           (references.empty() ? "[[reference]]\nname = \"fw 1\"\npcrs = \"sha256:6=" + kPcr + "\"\n"
                               : references);
  }
  Json check(const std::string& text) const {
    return sealift_json({"policy", "check", write("p.toml", text)});
  }
  void refuse(const std::string& text, const std::string& field, int status = 2) const {
    EXPECT_EQ(sealift_error({"policy", "check", write("p.toml", text)}, status)["field"], field) << text;
  }
};

TEST_F(PolicyFile, SaysWhatItAllows) {
  const auto document = check(policy(
      "models = [\"id:49465800/SLB9670\"]\nhardware_keys = [\"" + kPcr +
      "\"]\nnot_before = 2026-01-01T00:00:00Z\nnot_after = 2026-07-01T02:00:00+02:00\nmaximum_hosts = 8"));
  EXPECT_EQ(document["verdict"], "valid");
  EXPECT_EQ(document["profile"], "firmware");
  EXPECT_EQ(document["references"][0]["name"], "fw 1");
  EXPECT_EQ(document["references"][0]["pcrs"], "sha256:6=" + kPcr);
  EXPECT_EQ(document["not_before"], 1767225600);
  EXPECT_EQ(document["not_after"], 1782864000);
  EXPECT_EQ(document["maximum_hosts"], 8);
  EXPECT_EQ(document["hardware_keys"], 1);
}

TEST_F(PolicyFile, ForPefHostsNamesLogsOfFirmwareThatEnabledPef) {
  const auto log = [this](const std::string& pef) {
    const auto file = path("pef-" + pef + ".log");
    sealift_json({"policy", "predict", "--hardware-key-hash", kPcr, "--verification-code-hash", kPcr,
                  "--secure-boot-jumper", "on", "--pef", pef, "--out", file});
    return "[[reference]]\nname = \"fw 1\"\nlog = \"pef-" + pef + ".log\"\n";
  };
  const auto for_pef = [this](const std::string& lines, const std::string& references) {
    auto text = policy(lines, references);
    return text.replace(text.find("\"measured\""), 10, "\"pef\"");
  };
  EXPECT_EQ(check(for_pef({}, log("on")))["verdict"], "valid");
  refuse(for_pef({}, log("off")), "policy.reference[0].log");
  EXPECT_EQ(check(policy({}, log("off")))["verdict"], "valid");
  refuse(for_pef({}, {}), "policy.reference[0].pcrs");
  refuse(for_pef("approver = \"approver.pem\"", log("on")), "policy.approver");
  refuse(for_pef("profile = \"owner\"", log("on")), "policy.profile");
}

TEST_F(PolicyFile, ReleasesOnceOrToMany) {
  EXPECT_EQ(check(policy("release = \"once\""))["maximum_hosts"], 1);
  EXPECT_EQ(check(policy("release = \"many\""))["maximum_hosts"], 0);
}

TEST_F(PolicyFile, NamesAnApproverInsteadOfReferences) {
  const auto key = crypto::PrivateKey::generate_ec(crypto::Curve::p256)->public_key();
  write("approver.pem", key.pem());
  const auto document = check(policy("approver = \"approver.pem\"", "# no references\n"));
  EXPECT_EQ(document["approver"], to_hex(key.der()));
  EXPECT_TRUE(document["references"].empty());
  EXPECT_EQ(check(policy("approver = \"approver.pem\""))["references"].size(), 1U);
  EXPECT_TRUE(check(policy())["approver"].is_null());
  EXPECT_EQ(sealift_error({"policy", "check", write("p.toml", policy("approver = \"root.pem\""))}, 1)["code"],
            "malformed");
}

TEST_F(PolicyFile, IsRefusedWithTheFieldThatIsWrong) {
  refuse("", "policy.format");
  refuse(policy("surprise = 1"), "policy.surprise");
  refuse(policy("models = 7"), "policy.models");
  refuse(policy("hardware_keys = [\"ab\"]"), "policy.hardware_keys");
  refuse(policy("not_before = 2026-01-01"), "policy.not_before");
  refuse(policy("not_before = 2026-02-01T00:00:00Z\nnot_after = 2026-01-01T00:00:00Z"), "policy.not_after");
  refuse(policy("release = \"twice\""), "policy.release");
  refuse(policy("release = \"once\"\nmaximum_hosts = 2"), "policy.maximum_hosts");
  refuse(policy("maximum_hosts = 0"), "policy.maximum_hosts");
  refuse(policy("require_crl = \"yes\""), "policy.require_crl");
  refuse(policy("profile = \"bios\""), "policy.profile");
  refuse(policy({}, "x = 1"), "policy.reference");
  refuse(policy({}, "[[reference]]\npcrs = \"sha256:6=" + kPcr + "\""), "policy.reference[0].name");
  refuse(policy({}, "[[reference]]\nname = \"a\""), "policy.reference[0].pcrs");
  refuse(policy({}, "[[reference]]\nname = \"a\"\npcrs = \"sha256:6=12\""), "policy.reference[0].pcrs");
  refuse(policy({}, "[[reference]]\nname = \"a\"\npcrs = \"sha256:6=" + kPcr + "\"\nfoo = 1"),
         "policy.reference[0].foo");
  refuse("format = \"sealift-policy-v1", "policy", 1);
}

}  // namespace
}  // namespace sealift::cli
